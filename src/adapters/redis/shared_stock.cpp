#include "adapters/redis/shared_stock.hpp"

#include <fmt/format.h>

namespace market::redis {
namespace {

/// A value of the wrong type, or numbers that nobody could have written, are as good as none.
const char* const guard = R"lua(
local function fields(key)
  local got = redis.pcall('HMGET', key, 'generation', 'place')
  if got.err then
    redis.call('DEL', key)
    return nil, nil
  end
  local generation, place = tonumber(got[1] or ''), tonumber(got[2] or '')
  if not generation or not place or not (generation < 4294967296) or not (place < 9007199254740992) then
    return nil, nil
  end
  return generation, place
end
)lua";

const std::string write_lua = std::string(guard) + R"lua(
local mark, moved = KEYS[1], KEYS[2]
local generation, place, life, moved_max = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4])
local known, written = fields(mark)
if known and known > generation then return {0, 0, 1} end
if known and known < generation then redis.call('DEL', moved) end
if not known or known < generation or written < place then
  redis.call('HSET', mark, 'generation', ARGV[1], 'place', ARGV[2])
end
redis.call('PEXPIRE', mark, life)
if redis.call('TYPE', moved).ok ~= 'zset' then redis.call('DEL', moved) end
local newer = 0
for i = 3, #KEYS do
  local at = 5 + (i - 3) * 6
  local key, product, line = KEYS[i], ARGV[at], tonumber(ARGV[at + 1])
  local of, stored = fields(key)
  if of and (of > generation or (of == generation and stored > line)) then
    newer = newer + 1
  else
    redis.call('HSET', key, 'generation', ARGV[1], 'place', ARGV[at + 1], 'remaining', ARGV[at + 2],
               'capacity', ARGV[at + 3], 'opens', ARGV[at + 4], 'closes', ARGV[at + 5])
    redis.call('PEXPIRE', key, life)
    redis.call('ZADD', moved, ARGV[at + 1], product)
  end
end
redis.call('ZREMRANGEBYRANK', moved, 0, -1 - moved_max)
redis.call('PEXPIRE', moved, life)
return {known and 0 or 1, newer, 0}
)lua";

const Script& write_script() {
  static const Script script(write_lua);
  return script;
}

std::string time_text(const std::optional<Instant>& at) {
  return at ? format_rfc3339(*at) : std::string();
}

std::optional<StockLine> line_of(ProductId product, const Reply& fields, std::uint32_t generation) {
  const auto written_in = fields.at(0).number(), place = fields.at(1).number();
  const auto remaining = fields.at(2).number(), capacity = fields.at(3).number();
  if (!written_in || *written_in != generation || !place || *place < 1) return std::nullopt;
  const auto possible = [](const auto& units) {
    return units && *units >= 0 && *units <= ProductStock::stock_max;
  };
  if (!possible(remaining) || !possible(capacity)) return std::nullopt;
  StockLine line{product, *place, *remaining, *capacity, {}, {}};
  if (const auto opens = parse_rfc3339(fields.at(4).text())) line.opens = *opens;
  if (const auto closes = parse_rfc3339(fields.at(5).text())) line.closes = *closes;
  return line;
}

}  // namespace

std::string RedisSharedStock::prefix(LogId log) {
  return fmt::format("market:{{{:016x}{:016x}}}:", log.hi, log.lo);
}

Task<SharedStock::Written> RedisSharedStock::write(LogId log, Place end, std::vector<StockLine> lines) {
  const std::string ours = prefix(log);
  Words keys{ours + "mark", ours + "moved"};
  Words arguments{std::to_string(log.generation), std::to_string(end), std::to_string(life.count()),
                  std::to_string(moved_max)};
  for (const StockLine& line : lines) {
    const std::string product = line.product.text();
    keys.push_back(ours + "stock:" + product);
    arguments.insert(arguments.end(),
                     {product, std::to_string(line.place), std::to_string(line.remaining),
                      std::to_string(line.capacity), time_text(line.opens), time_text(line.closes)});
  }
  const auto reply = co_await client_.run(write_script(), std::move(keys), std::move(arguments));
  if (!reply) co_return fail(reply.error());
  if (reply->size() != 3)
    co_return fail(Code::internal, "the script that writes the stock answered something else");
  Written written;
  written.was_empty = reply->at(0).number() == 1;
  written.newer = static_cast<std::size_t>(reply->at(1).number().value_or(0));
  written.outdated = reply->at(2).number() == 1;
  co_return written;
}

Task<std::vector<StockLine>> RedisSharedStock::moved_since(LogId log, Place after) {
  const std::string ours = prefix(log);
  Words question{"ZRANGEBYSCORE",          ours + "moved", fmt::format("({}", after), "+inf", "LIMIT", "0",
                 std::to_string(lines_max)};
  const auto moved = co_await client_.call(std::move(question));
  if (!moved) co_return fail(moved.error());
  std::vector<StockLine> lines;
  // Sent together, answered in order: what the last one waits for, all wait for.
  struct Answers {
    std::vector<std::optional<StockLine>> lines;
  };
  const auto answers = std::make_shared<Answers>();
  std::vector<ProductId> products;
  for (std::size_t i = 0; i < moved->size(); ++i)
    if (const auto product = ProductId::parse(moved->at(i).text())) products.push_back(*product);
  answers->lines.resize(products.size());
  for (std::size_t i = 0; i < products.size(); ++i) {
    Words fields{"HMGET",      ours + "stock:" + products[i].text(),
                 "generation", "place",
                 "remaining",  "capacity",
                 "opens",      "closes"};
    client_.send(std::move(fields), [answers, i, product = products[i],
                                     generation = log.generation](const Result<Reply>& reply) {
      if (reply) answers->lines[i] = line_of(product, *reply, generation);
    });
  }
  Words last{"PING"};
  const auto done = co_await client_.call(std::move(last));
  if (!done) co_return fail(done.error());
  for (auto& line : answers->lines)
    if (line) lines.push_back(*line);
  co_return lines;
}

}  // namespace market::redis
