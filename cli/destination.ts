import writeFileAtomic from "write-file-atomic";

/** The cluster file that commands read by default. */
export const DEFAULT_CLUSTER_FILE = "stacks/dev.yaml";

/** Writes a command's result to a file, atomically; without a file, to standard output. */
export async function writeResult(text: string, file: string | undefined): Promise<void> {
  if (file === undefined) process.stdout.write(text);
  else await writeFileAtomic(file, text);
}
