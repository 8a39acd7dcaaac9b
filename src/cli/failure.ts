/** What the program's exit code says. */
export const EXIT = { done: 0, failed: 1, usage: 2, noAnswer: 3 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export const EXIT_CODES_HELP = `
Exit codes:
  0  done
  1  it failed: the server refused, or what was watched did not succeed
  2  the command line is not right
  3  no server answered, or you are not signed in`;

/** A command ends here: the text for people, and the exit code. */
export class CommandFailure extends Error {
  override readonly name = "CommandFailure";
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** The command line is not right. */
export const misuse = (message: string): CommandFailure => new CommandFailure(EXIT.usage, message);
