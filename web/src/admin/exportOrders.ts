/** All orders that a question finds, as one CSV file: the server gives them out 2,000 at a time. */
import { askText } from '../api/client';

const pagesMax = 500;

/** `progress` hears how many rows there are after each page. Errors: those of askText. */
export async function exportOrders(
  query: Record<string, string | null>, progress: (rows: number) => void, signal: AbortSignal,
): Promise<string> {
  const parts: string[] = [];
  let cursor: string | null = null;
  let rows = 0;
  for (let page = 0; page < pagesMax; page += 1) {
    const { text, headers } = await askText('/admin/orders/export', 'text/csv', { query: { ...query, cursor }, timeoutMs: 60_000, signal });
    const body = page === 0 ? text : text.slice(text.indexOf('\n') + 1); // Each page begins with the names of the columns.
    parts.push(body);
    rows += body.split('\n').length - 1;
    progress(page === 0 ? rows - 1 : rows);
    cursor = headers.get('X-Next-Cursor');
    if (!cursor) return parts.join('');
  }
  throw new Error('more orders than one file should have');
}
