// Asks OpenAI one prompt with Node's own fetch: node fetch.mjs text|stream|tool PROMPT
const [kind, prompt] = process.argv.slice(2);
const base = process.env.OPENAI_BASE_URL ?? "https://api.openai.com/v1";
const tools = [{ type: "function", function: { name: "get_weather", parameters: { type: "object" } } }];
const body = { model: "gpt-5-mini", stream: kind === "stream", messages: [{ role: "user", content: prompt }] };
const answer = await fetch(`${base}/chat/completions`, {
  method: "POST",
  headers: { authorization: `Bearer ${process.env.OPENAI_API_KEY}`, "content-type": "application/json" },
  body: JSON.stringify(kind === "tool" ? { ...body, tools } : body),
});
console.log(await answer.text());
process.exitCode = answer.ok ? 0 : 1;
