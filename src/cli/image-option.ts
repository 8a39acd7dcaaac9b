import { misuse } from "./failure.ts";

/** One `--image` of `headgate release create`. */
export interface ImageOption {
  readonly service: string;
  readonly container: string;
  readonly source: string;
  /** Empty: computed by the server from the target registry. */
  readonly target: string;
  readonly push: boolean;
}

export const IMAGE_FORM = "service/container=source[,target=reference][,no-push]";

/** Reads one `--image`; neither references nor names hold the commas and the first `=` that part it. */
export function readImageOption(text: string): ImageOption {
  const [, service, container, rest] = /^([^/=,]+)\/([^/=,]+)=(.+)$/.exec(text) ?? [];
  if (service === undefined || container === undefined || rest === undefined)
    throw misuse(`--image is "${text}"; it has the form ${IMAGE_FORM}`);
  const [source = "", ...terms] = rest.split(",");
  let target = "";
  let push = true;
  for (const term of terms) {
    if (term === "no-push") push = false;
    else if (term.startsWith("target=") && target === "") target = term.slice("target=".length);
    else throw misuse(`--image is "${text}": "${term}" is neither target=reference nor no-push`);
  }
  return { service, container, source, target, push };
}
