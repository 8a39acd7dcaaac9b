/** The one item of a list that was made of one. */
export function onlyOne<Item>([item]: readonly Item[]): Item {
  if (item === undefined) throw new Error("a list of one is empty");
  return item;
}
