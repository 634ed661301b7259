/** What the query of a writing request asks for. */
import { forbiddenValue, requiredValue, unsupportedValue } from './problems.ts';
import { invalid } from './status-error.ts';

export interface WriteOptions {
  dryRun: boolean;
  fieldValidation: 'Ignore' | 'Warn' | 'Strict';
  /** Who writes, for `managedFields`. */
  manager: string;
  /** Take fields from other appliers. */
  force: boolean;
}

const LONGEST_MANAGER = 128;

/**
 * @param kind of the options, for messages: `CreateOptions`, `PatchOptions` …
 * @param userAgent what names the writer when the query does not
 * @param apply a server-side apply, which must name its manager
 * @throws StatusError 422
 */
export function readWriteOptions(
  query: URLSearchParams,
  kind: string,
  userAgent: string,
  apply = false,
): WriteOptions {
  const problems = [];
  const dryRun = query.getAll('dryRun').filter((value) => value !== '');
  if (dryRun.some((value) => value !== 'All')) {
    problems.push(unsupportedValue('dryRun', dryRun, ['All']));
  }
  const fieldValidation = query.get('fieldValidation') || 'Warn';
  if (!isFieldValidation(fieldValidation)) {
    problems.push(unsupportedValue('fieldValidation', fieldValidation, ['Ignore', 'Strict', 'Warn']));
  }
  const fieldManager = query.get('fieldManager') ?? '';
  if (apply && fieldManager === '') {
    problems.push(requiredValue('fieldManager', 'is required for apply patch'));
  }
  const force = query.get('force');
  if (force !== null && !apply && kind === 'PatchOptions') {
    problems.push(forbiddenValue('force', 'may not be specified for non-apply patch'));
  }
  if (problems.length > 0) throw invalid({ group: 'meta.k8s.io', kind }, '', problems);
  return {
    dryRun: dryRun.length > 0,
    fieldValidation: fieldValidation as WriteOptions['fieldValidation'],
    manager: (fieldManager || userAgent.split('/')[0] || 'unknown').slice(0, LONGEST_MANAGER),
    force: force === 'true',
  };
}

function isFieldValidation(value: string): boolean {
  return value === 'Ignore' || value === 'Warn' || value === 'Strict';
}
