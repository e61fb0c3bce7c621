#include "adapters/mysql/pictures.hpp"

#include <fmt/format.h>

#include "base/text.hpp"

namespace market::mysql {
namespace {

/// Digits say bytes whatever the connection's character set is.
std::string hex_literal(std::string_view bytes) {
  return "x'" + to_hex(bytes) + '\'';
}

Result<> insert(Session& session, const std::string& hash, const std::string& bytes) {
  session.execute(
      fmt::format("INSERT INTO pictures(hash, bytes) VALUES({}, {}) ON DUPLICATE KEY UPDATE hash = hash",
                  quoted(hash), hex_literal(bytes)));
  return {};
}

Result<std::string> select(Session& session, const std::string& hash) {
  const auto rows = session.query(
      fmt::format("SELECT bytes, SHA2(bytes, 256) FROM pictures WHERE hash = {}", quoted(hash)));
  if (rows.empty()) return fail(Code::not_found, "there is no such picture");
  if (rows[0].text(1) != hash)
    return fail(Code::unavailable, "a picture's row is damaged; restore it from a backup");
  return rows[0].text(0);
}

}  // namespace

Task<std::string> MysqlPictures::store(std::shared_ptr<const std::string> bytes) {
  const auto hash = co_await own_.store(bytes);
  if (!hash) co_return fail(hash.error());
  auto work = [this, hash = *hash, bytes] {
    return sessions_.run("cannot store the picture",
                         [&](Session& session) { return insert(session, hash, *bytes); });
  };
  const auto stored = co_await pool_.run(std::move(work));
  if (!stored) co_return fail(stored.error());
  co_return hash;
}

Task<std::string> MysqlPictures::load(std::string hash) {
  auto own = co_await own_.load(hash);
  if (own) co_return std::move(own);
  auto work = [this, hash] {
    return sessions_.run("cannot read the picture", [&](Session& session) { return select(session, hash); });
  };
  auto found = co_await pool_.run(std::move(work));
  if (!found) co_return fail(found.error());
  auto copy = std::make_shared<const std::string>(std::move(*found));
  [[maybe_unused]] const auto kept = co_await own_.store(copy);
  co_return std::string(*copy);  // Also when there was no room to keep it.
}

}  // namespace market::mysql
