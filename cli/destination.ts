import writeFileAtomic from "write-file-atomic";

/** The cluster file that commands mean when none is named. */
export const DEFAULT_CLUSTER_FILE = "stacks/dev.yaml";

/** Writes a command's result to the file that was asked for, whole or not at all, else to standard output. */
export async function writeResult(text: string, file: string | undefined): Promise<void> {
  if (file === undefined) process.stdout.write(text);
  else await writeFileAtomic(file, text);
}
