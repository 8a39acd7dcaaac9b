import { ExternalSystemError } from "../kernel/errors.ts";

/** A call that failed before any of it was sent: nothing can have come of it. Others may have arrived. */
export class CallNotMadeError extends ExternalSystemError {}
