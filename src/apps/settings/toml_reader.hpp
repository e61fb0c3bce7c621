#pragma once
/// Reads one table of a settings file: every member asked for by name and kind, all others refused. Throws
/// UsageError with one clear line that names file, line and place.

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apps/settings/settings.hpp"

namespace market::apps {

/// The parser's own check failed: at some texts that are no TOML it would end the process, also a running one
/// that reads its settings anew.
struct BrokenToml {};
[[noreturn]] inline void refuse_broken_toml() {
  throw BrokenToml();
}

}  // namespace market::apps

#define TOML_ASSERT(condition) ((condition) ? void() : ::market::apps::refuse_broken_toml())
#include <toml++/toml.h>

namespace market::apps {

/// A settings file. Throws UsageError: it cannot be read, or is no TOML (with the line).
toml::table read_toml(const std::string& path);

/// "FILE: line N: ", for messages about what stands there.
std::string toml_place(const toml::source_region& source);

class TomlReader {
 public:
  /// `where` begins each message: `gateway.routes "orders"`.
  TomlReader(const toml::table& table, std::string where) : table_(table), where_(std::move(where)) {}

  bool has(std::string_view name) const { return table_.contains(name); }
  std::optional<std::string> text(std::string_view name);
  std::int64_t number(std::string_view name, std::int64_t fallback, std::int64_t min, std::int64_t max);
  double decimal(std::string_view name, double fallback, double min, double max);
  bool flag(std::string_view name, bool fallback);
  Millis duration(std::string_view name, Millis fallback, Millis min, Millis max);
  std::optional<Instant> time(std::string_view name);
  /// One text or a list of them.
  std::vector<std::string> texts(std::string_view name);
  /// The members of a table of texts, in order of their names.
  std::vector<std::pair<std::string, std::string>> pairs(std::string_view name);
  std::optional<TomlReader> table(std::string_view name);
  /// Refuses what nobody asked for.
  void finish() const;
  [[noreturn]] void refuse(std::string_view name, const std::string& problem) const;
  /// About the table as a whole.
  [[noreturn]] void refuse_all(const std::string& problem) const;

 private:
  const toml::node* look(std::string_view name);
  [[noreturn]] void refuse_at(const toml::source_region& source, const std::string& problem) const;
  Instant instant_of(std::string_view name, const toml::node& node) const;
  const toml::table& table_;
  std::string where_;
  std::set<std::string, std::less<>> asked_;
};

}  // namespace market::apps
