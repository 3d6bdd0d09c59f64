/** How a `UserError` differs from the plain case. */
export interface UserErrorOptions {
  /** Further lines, one problem each; default none. */
  readonly details?: readonly string[];
  /** What the program exits with: 1 for a failure (default), 2 for wrong usage. */
  readonly exitCode?: number;
  readonly cause?: unknown;
}

/**
 * An error that the user caused and can mend: printed as one line that says what, where and what to do (and its
 * details below), without a stack trace. Any other error is a bug of ours and keeps its stack.
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
