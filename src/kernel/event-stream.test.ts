import fc from "fast-check";
import { expect, it } from "vitest";
import { commentText, eventText, readEvents, type ReceivedEvent } from "./event-stream.ts";

async function* inParts(parts: readonly string[]): AsyncGenerator<string> {
  yield* parts;
}
async function read(...parts: readonly string[]): Promise<ReceivedEvent[]> {
  const events: ReceivedEvent[] = [];
  for await (const event of readEvents(inParts(parts))) events.push(event);
  return events;
}

it("writes one block for each event, its data as one line of JSON", () => {
  expect(eventText({ retryMillis: 2000, id: 7 })).toBe("retry: 2000\nid: 7\n\n");
  expect(eventText({ event: "progress", data: { text: "two\nlines" } })).toBe(
    'event: progress\ndata: {"text":"two\\nlines"}\n\n',
  );
  expect(commentText("heartbeat")).toBe(": heartbeat\n\n");
});

it("reads events with their ids; comments, ids alone and an unfinished end are none", async () => {
  const text = `retry: 1\nid: 6\n\n: heartbeat\n\nid: 7\ndata: 1\n\nevent: end\ndata: a\ndata:b\n\ndata: cut off\n`;
  expect(await read(text)).toEqual([
    { event: "message", lastId: "7", data: "1" },
    { event: "end", lastId: "7", data: "a\nb" },
  ]);
});

it("reads the same however the network cuts the text", async () => {
  const event = fc.record({ event: fc.constantFrom("progress", "end"), id: fc.nat(), data: fc.jsonValue() });
  await fc.assert(
    fc.asyncProperty(
      fc.array(event, { maxLength: 5 }),
      fc.array(fc.nat({ max: 200 }), { maxLength: 8 }),
      fc.boolean(),
      async (events, cuts, carriageReturns) => {
        const written = events.map(eventText).join("");
        const text = carriageReturns ? written.replaceAll("\n", "\r\n") : written;
        const places = [0, ...cuts.toSorted((one, other) => one - other), text.length];
        const parts = places.slice(1).map((end, index) => text.slice(places[index], end));
        expect(await read(...parts)).toEqual(
          events.map(({ event: name, id, data }) => ({
            event: name,
            lastId: String(id),
            data: JSON.stringify(data),
          })),
        );
      },
    ),
  );
});
