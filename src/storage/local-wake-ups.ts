import { EventEmitter } from "node:events";
import { outsideTransaction } from "../kernel/transaction-scope.ts";
import type { WakeUps } from "./engine-services.ts";

/** Wake-ups within this process. Many calls before the event loop turns are one. */
export function localWakeUps(): WakeUps {
  const emitter = new EventEmitter().setMaxListeners(0);
  const due = new Set<string>();
  return {
    send: (channel) => {
      if (due.has(channel)) return;
      due.add(channel);
      setImmediate(() => {
        due.delete(channel);
        outsideTransaction(() => emitter.emit(channel));
      });
    },
    listen: (channel, wake) => {
      emitter.on(channel, wake);
      return () => emitter.off(channel, wake);
    },
  };
}
