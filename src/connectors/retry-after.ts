/** How long an answer asks to wait, in milliseconds; null when it does not say. */
export function retryAfterMillis(header: string | null, now: Date): number | null {
  if (header === null) return null;
  if (/^\s*\d{1,9}\s*$/.test(header)) return Number(header) * 1000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? null : Math.max(0, at - now.getTime());
}

/** When it will be in so many milliseconds: `14:03:20 UTC`, with the date when that is another day. */
export function momentIn(millis: number): string {
  const now = new Date();
  const [day = "", time = ""] = new Date(now.getTime() + millis).toISOString().split("T");
  const words = `${time.slice(0, 8)} UTC`;
  return now.toISOString().startsWith(day) ? words : `${day} ${words}`;
}
