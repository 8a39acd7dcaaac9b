import { AsyncLocalStorage } from "node:async_hooks";

const scope = new AsyncLocalStorage<true>();

/** Marks everything that `work` calls as inside a database transaction. */
export const markTransaction = <T>(work: () => Promise<T>): Promise<T> => scope.run(true, work);

/** Throws when called inside a transaction: the outside may take longer than a transaction may live. */
export function refuseInTransaction(what: string): void {
  if (scope.getStore()) throw new Error(`${what} was called inside a database transaction`);
}

/** Runs `work` as outside of any transaction: for what a transaction sets off but does not wait for. */
export const outsideTransaction = <T>(work: () => T): T => scope.exit(work);
