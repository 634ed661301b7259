/** The control API of a local Quay (spec B.3), for suites in other processes and languages. No authentication. */
import * as z from 'zod';
import { compilePattern } from '../../../shared/policy/tag-pattern.ts';
import { type Answer, answerJson } from '../registry/answer.ts';
import type { FaultRule } from '../registry/faults.ts';
import type { LocalQuay } from './quay.ts';

export const CONTROL_PREFIX = '/__fake';

const State = z.object({
  tokens: z.record(z.string(), z.looseObject({})).optional(),
  organizations: z.record(z.string(), z.looseObject({})).optional(),
});
const Plan = z.object({ org: z.string(), privateLimit: z.number().int().nonnegative().nullish() });
const Rate = z.object({ rps: z.number().positive(), burst: z.number().positive() }).nullish();
const Push = z.object({ org: z.string(), repo: z.string(), tag: z.string(), digest: z.string() });
const Fault = z.object({
  match: z.object({ method: z.string().optional(), pathRegex: z.string().optional() }).default({}),
  skip: z.number().int().optional(),
  times: z.number().int().optional(),
  respond: z.object({
    status: z.number().int().optional(),
    body: z.union([z.string(), z.record(z.string(), z.unknown())]).optional(),
    headers: z.record(z.string(), z.string()).optional(),
    delayMs: z.number().optional(),
    /** The request is done and its answer lost; together with a status it is not even done. */
    abort: z.boolean().optional(),
  }),
});

type Controlled = Omit<LocalQuay, 'close'>;

/**
 * Answers a call of the control API.
 * @param path without the prefix; @param body parsed JSON, undefined when there was none
 */
export async function answerControl(
  quay: Controlled,
  request: { method: string; path: string; query: URLSearchParams; body: unknown },
): Promise<Answer> {
  const { path, query, body = {} } = request;
  try {
    switch (`${request.method} ${path}`) {
      case 'POST /reset':
        quay.reset(State.parse(body));
        return done();
      case 'GET /state':
        return answerJson(200, quay.state);
      case 'GET /requests':
        return answerJson(200, quay.requests.records.slice(Number(query.get('since') ?? 0)));
      case 'POST /plan': {
        const { org, privateLimit } = Plan.parse(body);
        quay.setPrivateLimit(org, privateLimit ?? undefined);
        return done();
      }
      case 'POST /fault':
        quay.faults.add(await toRule(Fault.parse(body)));
        return done();
      case 'DELETE /fault':
        quay.faults.clear();
        return done();
      case 'POST /rate':
        quay.setRate(Rate.parse(Object.keys(body as object).length === 0 ? undefined : body) ?? undefined);
        return done();
      case 'POST /push': {
        const { org, repo, tag, digest } = Push.parse(body);
        await quay.push(org, repo, tag, digest);
        return done();
      }
      default:
        return answerJson(404, { message: `no control call ${request.method} ${path}` });
    }
  } catch (error) {
    return answerJson(400, {
      message: error instanceof z.ZodError ? z.prettifyError(error) : String((error as Error).message),
    });
  }
}

async function toRule({ match, skip, times, respond }: z.infer<typeof Fault>): Promise<FaultRule> {
  const { abort, ...answer } = respond;
  const pattern = match.pathRegex === undefined ? undefined : await compilePattern(match.pathRegex);
  return {
    method: match.method,
    path: pattern && { test: (text) => pattern.matcher(text).find() },
    skip,
    times,
    ...answer,
    reset: abort,
  };
}

function done(): Answer {
  return { status: 204, headers: {} };
}
