/** A command line that cannot stand; its message is for the person who wrote it. */
export class UsageError extends Error {}
