/** The form of a recorded session of kubectl (`fixtures/`, made by `test/api/record-kubectl.ts`). */

export interface RecordedRequest {
  method: string;
  /** Path and query. */
  url: string;
  accept?: string;
  contentType?: string;
  /** The body as text, or, where it is none, in base64. */
  body?: string;
  base64?: string;
  /** Status of the answer. */
  status: number;
}

export interface RecordedCommand {
  /** Arguments of kubectl. */
  command: string;
  requests: RecordedRequest[];
}
