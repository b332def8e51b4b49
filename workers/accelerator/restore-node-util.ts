import util from 'node:util';

/** What Node 23 took out of `node:util` and TensorFlow's binding for Node still calls. */
const REMOVED: Readonly<Record<string, (value: unknown) => boolean>> = {
  isArray: Array.isArray,
  isBoolean: (value) => typeof value === 'boolean',
  isFunction: (value) => typeof value === 'function',
  isNull: (value) => value === null,
  isNullOrUndefined: (value) => value === null || value === undefined,
  isNumber: (value) => typeof value === 'number',
  isObject: (value) => typeof value === 'object' && value !== null,
  isString: (value) => typeof value === 'string',
  isUndefined: (value) => value === undefined,
};

/** Puts back what is missing, on the module that `require('util')` returns. */
export function restoreNodeUtil(target: object = util): void {
  for (const [name, test] of Object.entries(REMOVED)) {
    if (!(name in target)) Reflect.set(target, name, test);
  }
}
