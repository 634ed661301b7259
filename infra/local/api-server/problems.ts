/** What is wrong with a field of an object, in the words of a real API server: causes of a `Status` object. */

export interface Problem {
  /** E.g. `metadata.name`. */
  field: string;
  /** E.g. `FieldValueInvalid`. */
  reason: string;
  /** Without the field's name. */
  message: string;
}

export function invalidValue(field: string, value: unknown, why: string): Problem {
  return { field, reason: 'FieldValueInvalid', message: `Invalid value: ${JSON.stringify(value)}: ${why}` };
}

export function requiredValue(field: string, why?: string): Problem {
  return { field, reason: 'FieldValueRequired', message: why ? `Required value: ${why}` : 'Required value' };
}

export function forbiddenValue(field: string, why: string): Problem {
  return { field, reason: 'FieldValueForbidden', message: `Forbidden: ${why}` };
}

export function unsupportedValue(field: string, value: unknown, supported: readonly string[]): Problem {
  const values = supported.map((each) => JSON.stringify(each)).join(', ');
  const message = `Unsupported value: ${JSON.stringify(value)}: supported values: ${values}`;
  return { field, reason: 'FieldValueNotSupported', message };
}
