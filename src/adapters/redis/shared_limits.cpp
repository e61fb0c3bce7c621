#include "adapters/redis/shared_limits.hpp"

#include <fmt/format.h>

#include <charconv>

namespace market::redis {
namespace {

/// left(key, burst, refill): what a bucket holds now. What nobody could have written is a full one. A server
/// whose clock is behind the last one's begins at once to fill by its own, also for those it refuses: else
/// they would wait for all of the difference.
const std::string bucket_lua = R"lua(
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local function keep(key, tokens, burst, refill)
  if tokens >= burst then
    redis.call('DEL', key)
    return
  end
  redis.call('HSET', key, 'left', string.format('%.6f', tokens), 'at', string.format('%.0f', now))
  redis.call('PEXPIRE', key, string.format('%.0f', math.min((burst - tokens) * refill + 1000, 86400000)))
end
local function left(key, burst, refill)
  local got = redis.pcall('HMGET', key, 'left', 'at')
  if got.err then
    redis.call('DEL', key)
    return burst
  end
  local tokens, at = tonumber(got[1] or ''), tonumber(got[2] or '')
  if not tokens or not at or tokens ~= tokens or at ~= at then return burst end
  if at < now then tokens = tokens + (now - at) / refill end
  tokens = math.max(-burst, math.min(burst, tokens))
  if at > now then keep(key, tokens, burst, refill) end
  return tokens
end
)lua";

const Script& take_script() {
  static const Script script(bucket_lua + R"lua(
local tokens = {}
for i, key in ipairs(KEYS) do
  local burst, refill = tonumber(ARGV[i * 2 - 1]), tonumber(ARGV[i * 2])
  tokens[i] = left(key, burst, refill)
  if tokens[i] < 1 then return math.ceil((1 - tokens[i]) * refill) end
end
for i, key in ipairs(KEYS) do keep(key, tokens[i] - 1, tonumber(ARGV[i * 2 - 1]), tonumber(ARGV[i * 2])) end
return 0
)lua");
  return script;
}

const Script& settle_script() {
  static const Script script(bucket_lua + R"lua(
local answer = {}
for i, key in ipairs(KEYS) do
  local burst, refill, taken = tonumber(ARGV[i * 3 - 2]), tonumber(ARGV[i * 3 - 1]), tonumber(ARGV[i * 3])
  local tokens = math.max(-burst, math.min(burst, left(key, burst, refill) - taken))
  keep(key, tokens, burst, refill)
  answer[i] = string.format('%.6f', tokens)
end
return answer
)lua");
  return script;
}

std::string number_text(double number) {
  return fmt::format("{:.6f}", number);
}

wire::DigestKey digest_key(std::string_view secret) {
  wire::DigestKey key{};
  for (int half = 0; half < 2; ++half) {
    const auto part = wire::digest_128(fmt::format("limits shared in Redis {} {}", half, secret));
    for (int i = 0; i < 8; ++i) {
      key[static_cast<std::size_t>(half * 16 + i)] = static_cast<std::uint8_t>(part.hi >> (8 * i));
      key[static_cast<std::size_t>(half * 16 + 8 + i)] = static_cast<std::uint8_t>(part.lo >> (8 * i));
    }
  }
  return key;
}

}  // namespace

RedisSharedLimits::RedisSharedLimits(Client& client, std::string_view secret)
    : client_(client), key_(digest_key(secret)) {}

std::string RedisSharedLimits::key_of(const std::string& name) const {
  const auto sum = wire::keyed_digest_128(key_, name);
  return fmt::format("market:limit:{:016x}{:016x}", sum.hi, sum.lo);
}

Task<Millis> RedisSharedLimits::take(std::vector<SharedBucket> buckets) {
  Words keys, arguments;
  for (const SharedBucket& bucket : buckets) {
    keys.push_back(key_of(bucket.name));
    arguments.push_back(number_text(bucket.burst));
    arguments.push_back(number_text(bucket.refill_ms));
  }
  const auto reply = co_await client_.run(take_script(), std::move(keys), std::move(arguments));
  if (!reply) co_return fail(reply.error());
  const auto wait = reply->number();
  if (!wait || *wait < 0) co_return fail(Code::internal, "the script of the limits answered something else");
  co_return Millis(*wait);
}

void RedisSharedLimits::give_back(std::vector<SharedBucket> buckets) {
  Words keys, arguments;
  for (const SharedBucket& bucket : buckets) {
    keys.push_back(key_of(bucket.name));
    arguments.insert(arguments.end(), {number_text(bucket.burst), number_text(bucket.refill_ms), "-1"});
  }
  // It refills by itself: nobody looks at the answer.
  client_.send(settle_script(), std::move(keys), std::move(arguments), [](const Result<Reply>&) {});
}

Task<std::vector<double>> RedisSharedLimits::settle(std::vector<Use> uses) {
  Words keys, arguments;
  for (const Use& use : uses) {
    keys.push_back(key_of(use.bucket.name));
    arguments.insert(arguments.end(), {number_text(use.bucket.burst), number_text(use.bucket.refill_ms),
                                       number_text(use.taken)});
  }
  const auto count = keys.size();
  const auto reply = co_await client_.run(settle_script(), std::move(keys), std::move(arguments));
  if (!reply) co_return fail(reply.error());
  std::vector<double> left(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto text = reply->at(i).text();
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), left[i]);
    if (text.empty() || error != std::errc() || end != text.data() + text.size())
      co_return fail(Code::internal, "the script of the limits answered something else");
  }
  co_return left;
}

}  // namespace market::redis
