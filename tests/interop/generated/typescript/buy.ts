// Buys once with types that were generated from the document: buy.js URL PRODUCT EMAIL PASSWORD
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

const [url, productId, email, password] = process.argv.slice(2) as [string, string, string, string];
const api = createClient<paths>({ baseUrl: url });

function expect<T>(what: string, answer: { data?: T; error?: unknown }): T {
  if (answer.data === undefined) throw new Error(`${what}: ${JSON.stringify(answer.error)}`);
  return answer.data;
}

expect("sign up", await api.POST("/api/v1/users", { body: { email, password, name: "Kim" } }));
const tokens = expect("sign in", await api.POST("/api/v1/sessions", { body: { email, password } }));
const headers = { Authorization: `Bearer ${tokens.accessToken}` };
const path = { id: productId };
const product: components["schemas"]["Product"] = expect(
  "product",
  await api.GET("/api/v1/products/{id}", { params: { path } }),
);
const opensAt: string | undefined = product.sale?.opensAt; // Null for a regular product.
if (!opensAt) throw new Error("an event has a sale");
const order = expect(
  "order",
  await api.POST("/api/v1/orders", {
    headers,
    params: { header: { "Idempotency-Key": "generated-typescript" } },
    body: { items: [{ productId, quantity: 1 }] },
  }),
);
const paid = expect(
  "payment",
  await api.POST("/api/v1/orders/{id}/payment", {
    headers,
    params: { path: { id: order.id } },
    body: { method: "card", token: "ok" },
  }),
);
const ticket: number | null | undefined = paid.items[0]?.ticket;
console.log(JSON.stringify({ state: paid.state, ticket }));
