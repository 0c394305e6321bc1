/** Standard output, for results. */
export interface Writer {
  /**
   * Resolves when the text has left the process, or was dropped because its reader has gone (`| head`): the task and
   * its exit code go on as if it had been read. Never rejects.
   */
  write(text: string): Promise<void>;
}

export function createWriter(stream: NodeJS.WritableStream): Writer {
  let gone = false;
  stream.on("error", () => {
    gone = true;
  });
  return {
    write(text) {
      if (gone || text === "") return Promise.resolve();
      return new Promise((resolve) => {
        stream.write(text, (error) => {
          if (error) gone = true;
          resolve();
        });
      });
    },
  };
}
