/** FQL for the editor: colours only; the server's own parser says what is right. */

import { StreamLanguage } from "@codemirror/language";

const keywords = new Set(
  (
    "match optional where with unwind return distinct order by asc desc skip limit union all as and or xor not in " +
    "is null exists count collect starts ends contains case when then else end call yield explain profile at what if " +
    "remove add set upgrade to apply diff from via avoiding rules techniques within steps likelihood confidence top per " +
    "source target pair attack paths exploitability of blast radius choke points fix plan budget until why " +
    "sampled attacker shortest cheapest any walk trail acyclic simple groups cost true false"
  ).split(" "),
);

const capabilities = new Set("reach exec root as write read tamper know admin".split(" "));

export const fql = StreamLanguage.define<{ comment: boolean }>({
  name: "fql",
  startState: () => ({ comment: false }),
  token(stream, state) {
    if (state.comment) {
      if (stream.skipTo("*/")) {
        stream.match("*/");
        state.comment = false;
      } else {
        stream.skipToEnd();
      }
      return "comment";
    }
    if (stream.eatSpace()) return null;
    if (stream.match("//")) {
      stream.skipToEnd();
      return "comment";
    }
    if (stream.match("/*")) {
      state.comment = true;
      return "comment";
    }
    const quote = stream.peek();
    if (quote === "'" || quote === '"' || quote === "`") {
      stream.next();
      let escaped = false;
      for (let char = stream.next(); char; char = stream.next()) {
        if (char === quote && !escaped) break;
        escaped = !escaped && char === "\\";
      }
      return quote === "`" ? "variableName" : "string";
    }
    if (stream.match(/^\d+(\.\d+)?([eE][-+]?\d+)?/)) return "number";
    if (stream.match(/^\$\w+/)) return "atom";
    if (stream.match(/^:\s*[A-Za-z_]\w*/)) return "typeName";
    const word = stream.match(/^[A-Za-z_]\w*/) as RegExpMatchArray | null;
    if (word) {
      const lower = word[0].toLowerCase();
      if (stream.peek() === "(" && capabilities.has(lower)) return "propertyName";
      return keywords.has(lower) ? "keyword" : "variableName";
    }
    stream.next();
    return "punctuation";
  },
  languageData: { commentTokens: { line: "//", block: { open: "/*", close: "*/" } } },
});
