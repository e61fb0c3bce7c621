#pragma once
/// Settings: a TOML file, then the environment (MARKET_SECTION_KEY), then --set section.key=value; the last
/// wins. Every key is known here with its kind and default; anything else is refused with one clear line
/// (exit 2).

#include <cstdint>
#include <map>
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

enum class SettingKind : std::uint8_t { text, flag, number, duration };
struct KnownSetting {
  std::string_view key, fallback;
  SettingKind kind;
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

  std::string text(std::string_view key) const;
  bool flag(std::string_view key) const;
  std::int64_t number(std::string_view key) const;
  Millis duration(std::string_view key) const;

 private:
  void put(const std::string& key, const std::string& value, const std::string& from);
  std::map<std::string, std::string, std::less<>> values_;
};

}  // namespace market::apps
