/** What is in memory when the process ends goes to disk: one listener for all runs. */
const spills = new Set<() => void>();
let isListening = false;

/** Returns how to take it back. */
export function spillAtExit(spill: () => void): () => void {
  if (!isListening) {
    isListening = true;
    process.on('exit', () => {
      for (const each of spills) each();
    });
  }
  spills.add(spill);
  return () => {
    spills.delete(spill);
  };
}
