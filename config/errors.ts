/** Options of a `UserError`. */
export interface UserErrorOptions {
  /** Further lines, one problem each. Default: none. */
  readonly details?: readonly string[];
  /** Exit code of the program: 1 for a failure, 2 for wrong usage. Default: 1. */
  readonly exitCode?: number;
  readonly cause?: unknown;
}

/**
 * An error that the user can correct. The message is one line: what is wrong, where, and what to do. It is printed without a
 * stack trace, with the details below. Any other error is a bug and keeps its stack trace.
 */
export class UserError extends Error {
  override readonly name: string = "UserError";
  readonly details: readonly string[];
  readonly exitCode: number;

  constructor(message: string, options: UserErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.details = options.details ?? [];
    this.exitCode = options.exitCode ?? 1;
  }
}
