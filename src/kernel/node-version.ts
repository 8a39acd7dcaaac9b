/**
 * Throws an Error that says what to do when this Node is too old. Asked before anything else is loaded: the SQLite
 * library ends an older Node without a word, and other imports fail in words that help nobody.
 */
export function refuseOldNode(version: string): void {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major < 24 || (major === 24 && minor < 15))
    throw new Error(
      `Headgate needs Node 24.15 or newer, and this is ${version}: start it with npm (npm start), or install a newer Node`,
    );
}
