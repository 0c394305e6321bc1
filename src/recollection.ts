import type { Memory } from "./contracts/memory.ts";

/** Where nothing is remembered. */
export const noMemory: Memory = {
  recall: async () => [],
  learn: async () => [],
  settle: async () => {},
};
