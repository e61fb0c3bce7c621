#pragma once
/// Settings: a TOML file, then the environment (MARKET_SECTION_KEY), then --set section.key=value; the last
/// wins. Every key is known here with its kind, range and default; anything else is refused with one clear
/// line (exit 2) that names where it stands. What a text means is checked by
/// apps/settings/settings_check.hpp.

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
/// `by_whole`: the process that is all, its own front door. `by_store`: whoever has the store, that one too.
enum UsedBy : std::uint8_t {
  by_none = 0,
  by_store = 1,
  by_gateway = 2,
  by_registry = 4,
  by_whole = 8,
  by_all = 15
};
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

/// A name that a setting had before; it still means it.
struct OldName {
  std::string_view old, now;
};
const std::vector<OldName>& old_setting_names();

/// Those whose value is a secret: KEY_file names a file that holds it, or a systemd credential.
const std::vector<std::string_view>& secret_settings();

class Settings {
 public:
  Settings();
  /// Throws UsageError, as all below do.
  void read_file(const std::string& path);
  void read_environment(const char* const* environment);
  void set(const std::string& assignment);  ///< `section.key=value`.

  /// The value of a secret that was read from the file which `named_by`, another setting, names.
  void set_secret(std::string_view key, std::string_view named_by, const std::string& value);

  /// Set by one of the sources, not left at its default.
  bool is_given(std::string_view key) const { return given_.contains(key); }
  /// Set on the command line: for this process alone, while a file or an environment may be for many.
  bool is_given_here(std::string_view key) const { return given_here_.contains(key); }
  /// The old names that were used, with their new ones, for one warning.
  const std::vector<OldName>& old_names_used() const { return old_names_used_; }
  /// `message` begins with a key: with the file and line before it, if the key was set there.
  std::string located(const std::string& message) const;
  std::string text(std::string_view key) const;
  bool flag(std::string_view key) const;
  std::int64_t number(std::string_view key) const;
  Millis duration(std::string_view key) const;

 private:
  void put(std::string_view name, const std::string& value, const std::string& from);
  /// Notes that `name`, perhaps an old one, was given `from` there; answers the setting's key.
  std::string_view give(std::string_view name, const std::string& from);
  std::map<std::string, std::string, std::less<>> values_;
  std::set<std::string, std::less<>> given_, given_here_;
  std::map<std::string, std::string, std::less<>> given_as_;  ///< Key to the name that was used.
  std::map<std::string, std::string, std::less<>>
      given_from_;  ///< Key to file and line; others are not here.
  std::vector<OldName> old_names_used_;
};

}  // namespace market::apps
