/** The shapes of Quay's errors (spec A.2). */
import { type Answer, answerJson } from '../registry/answer.ts';

type ErrorType =
  | 'invalid_request'
  | 'invalid_token'
  | 'exceeds_license'
  | 'insufficient_scope'
  | 'not_found'
  | 'tag_immutable';

/** A request that Quay refuses: thrown by endpoints, sent as it is. */
export class QuayRefusal extends Error {
  readonly answer: Answer;

  constructor(answer: Answer) {
    super(`status ${answer.status}`);
    this.answer = answer;
  }
}

/** E1: of validation and permission code. */
export function e1(status: number, type: ErrorType, text: string): QuayRefusal {
  return new QuayRefusal(
    answerJson(status, {
      detail: text,
      error_message: text,
      error_type: type,
      title: type,
      type: `/api/v1/error/${type}`,
      status,
    }),
  );
}

/** E2: of the data layer, and of what nobody expected. */
export function e2(status: number, message: string, more: object = {}): QuayRefusal {
  return new QuayRefusal(answerJson(status, { message, ...more }));
}

/** E3: of the CSRF guard. */
export function e3(status: number, error: string): QuayRefusal {
  return new QuayRefusal(answerJson(status, { error }));
}

/** E4: a page of the proxy before Quay. */
export function e4(status: number, title: string): QuayRefusal {
  const body = `<html>\r\n<head><title>${status} ${title}</title></head>\r\n<body>\r\n<center><h1>${status} ${title}</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n`;
  return new QuayRefusal({ status, headers: { 'content-type': 'text/html' }, body: Buffer.from(body) });
}

/** 400 with the texts of validation. */
export function invalid(text: string): QuayRefusal {
  return e1(400, 'invalid_request', text);
}

export function notFound(): QuayRefusal {
  return e1(404, 'not_found', 'Not Found');
}

export function unauthorized(): QuayRefusal {
  return e1(403, 'insufficient_scope', 'Unauthorized');
}

/** What Quay breaks over. */
export function broken(): QuayRefusal {
  return e2(500, 'Internal Server Error');
}
