#pragma once
/// Settings: a TOML file, then the environment (MARKET_SECTION_KEY), then --set section.key=value; the last
/// wins. Every key is known here with its kind, range and default; anything else is refused with one clear
/// line (exit 2). What a text means is checked by apps/settings/settings_check.hpp.

#include <cstdint>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"

namespace market::apps {

/// A start-up mistake of the operator: printed as one line, exit 2.
struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// `table`: lists and tables of the gateway; apps/settings/gateway_settings.hpp reads and checks them.
enum class SettingKind : std::uint8_t { text, flag, number, duration, table };
/// The processes in which a setting has an effect, as a set of bits.
enum UsedBy : std::uint8_t { by_none = 0, by_store = 1, by_gateway = 2, by_registry = 4, by_all = 7 };
struct Range {
  std::int64_t least = 0, greatest = 0;  ///< Of durations in milliseconds.
};
struct KnownSetting {
  std::string_view key, fallback;
  SettingKind kind;
  unsigned used_by;
  Range range;  ///< Of numbers and durations, both ends included.
  std::string_view meaning;
};
/// All of them, in the order of docs/operations.md.
const std::vector<KnownSetting>& known_settings();

class Settings {
 public:
  Settings();
  /// Throws UsageError, as all below do.
  void read_file(const std::string& path);
  void read_environment(const char* const* environment);
  void set(const std::string& assignment);  ///< `section.key=value`.

  /// Set by one of the sources, not left at its default.
  bool is_given(std::string_view key) const { return given_.contains(key); }
  std::string text(std::string_view key) const;
  bool flag(std::string_view key) const;
  std::int64_t number(std::string_view key) const;
  Millis duration(std::string_view key) const;

 private:
  void put(const std::string& key, const std::string& value, const std::string& from);
  std::map<std::string, std::string, std::less<>> values_;
  std::set<std::string, std::less<>> given_;
};

}  // namespace market::apps
