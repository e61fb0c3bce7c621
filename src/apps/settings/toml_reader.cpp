#include "apps/settings/toml_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "apps/settings/suggestion.hpp"

namespace market::apps {

toml::table read_toml(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored))
    throw UsageError(fmt::format("{}: is a folder, no settings file", path));
  std::ifstream file(path, std::ios::binary);
  if (!file)
    throw UsageError(fmt::format("{}: the settings file cannot be read: {}", path, std::strerror(errno)));
  constexpr std::size_t settings_bytes_max = 4 << 20;
  std::string text(settings_bytes_max + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > settings_bytes_max)
    throw UsageError(fmt::format("{}: is longer than 4 MiB, no settings file", path));
  // TOML has none of them, and the parser ends the process at some, also a running one that reads anew.
  const auto wrong = std::find_if(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t' && c != '\n' && c != '\r') || byte == 0x7F;
  });
  if (wrong != text.end())
    throw UsageError(fmt::format("{}: line {}: a control character is no part of a settings file", path,
                                 1 + std::count(text.begin(), wrong, '\n')));
  try {
    return toml::parse(text, path);
  } catch (const BrokenToml&) {
    throw UsageError(fmt::format("{}: is no TOML: a table's name or a key holds what none can", path));
  } catch (const toml::parse_error& error) {
    std::string words(error.description());  // They show what stands there, line breaks and all.
    std::replace_if(
        words.begin(), words.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
    throw UsageError(fmt::format("{}: line {}: {}", path, error.source().begin.line, words));
  }
}

std::string toml_place(const toml::source_region& source) {
  return source.path ? fmt::format("{}: line {}: ", *source.path, source.begin.line) : std::string();
}

void TomlReader::refuse_at(const toml::source_region& source, const std::string& problem) const {
  throw UsageError(fmt::format("{}{}: {}", toml_place(source), where_, problem));
}

void TomlReader::refuse(std::string_view name, const std::string& problem) const {
  const auto* const node = table_.get(name);
  refuse_at(node ? node->source() : table_.source(), fmt::format("{} {}", name, problem));
}

void TomlReader::refuse_all(const std::string& problem) const {
  refuse_at(table_.source(), problem);
}

const toml::node* TomlReader::look(std::string_view name) {
  asked_.emplace(name);
  return table_.get(name);
}

std::optional<std::string> TomlReader::text(std::string_view name) {
  const auto* const node = look(name);
  if (!node) return std::nullopt;
  const auto* const value = node->as_string();
  if (!value) refuse(name, "must be a text");
  return value->get();
}

std::int64_t TomlReader::number(std::string_view name, std::int64_t fallback, std::int64_t min,
                                std::int64_t max) {
  const auto* const node = look(name);
  if (!node) return fallback;
  const auto* const value = node->as_integer();
  if (!value || value->get() < min || value->get() > max)
    refuse(name, fmt::format("must be a whole number from {} to {}", min, max));
  return value->get();
}

double TomlReader::decimal(std::string_view name, double fallback, double min, double max) {
  const auto* const node = look(name);
  if (!node) return fallback;
  const auto value = node->value<double>();
  if (!value || !(*value >= min) || *value > max)
    refuse(name, fmt::format("must be a number from {} to {}", min, max));
  return *value;
}

bool TomlReader::flag(std::string_view name, bool fallback) {
  const auto* const node = look(name);
  if (!node) return fallback;
  if (!node->is_boolean()) refuse(name, "must be true or false");
  return node->as_boolean()->get();
}

Millis TomlReader::duration(std::string_view name, Millis fallback, Millis min, Millis max) {
  const auto given = text(name);
  if (!given) return fallback;
  const auto parsed = parse_duration(*given);
  if (!parsed || *parsed < min || *parsed > max)
    refuse(name, fmt::format("must be a duration from {} to {}", format_duration(min), format_duration(max)));
  return *parsed;
}

Instant TomlReader::instant_of(std::string_view name, const toml::node& node) const {
  std::string written;
  if (node.is_string()) {
    written = node.as_string()->get();
  } else if (node.is_date_time()) {
    std::ostringstream out;
    out << node.as_date_time()->get();
    written = out.str();
  }
  const auto parsed = parse_rfc3339(written);
  if (!parsed) refuse(name, "must be a time such as 2026-11-24T10:00:00Z");
  return *parsed;
}

std::optional<Instant> TomlReader::time(std::string_view name) {
  const auto* const node = look(name);
  if (!node) return std::nullopt;
  return instant_of(name, *node);
}

std::vector<std::string> TomlReader::texts(std::string_view name) {
  const auto* const node = look(name);
  if (!node) return {};
  if (const auto* const one = node->as_string()) return {one->get()};
  const auto* const list = node->as_array();
  if (!list) refuse(name, "must be a text or a list of texts");
  std::vector<std::string> texts;
  for (const auto& entry : *list) {
    const auto* const value = entry.as_string();
    if (!value) refuse(name, "must be a text or a list of texts");
    texts.push_back(value->get());
  }
  return texts;
}

std::vector<std::pair<std::string, std::string>> TomlReader::pairs(std::string_view name) {
  const auto* const node = look(name);
  if (!node) return {};
  const auto* const table = node->as_table();
  if (!table) refuse(name, "must be a table such as { Name = \"value\" }");
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const auto& [key, entry] : *table) {
    const auto* const value = entry.as_string();
    if (!value) refuse(name, fmt::format("{} must be a text", key.str()));
    pairs.emplace_back(key.str(), value->get());
  }
  return pairs;
}

std::optional<TomlReader> TomlReader::table(std::string_view name) {
  const auto* const node = look(name);
  if (!node) return std::nullopt;
  const auto* const table = node->as_table();
  if (!table) refuse(name, "must be a table");
  return TomlReader(*table, fmt::format("{}: {}", where_, name));
}

void TomlReader::finish() const {
  for (const auto& [key, node] : table_) {
    if (asked_.contains(key.str())) continue;
    const std::vector<std::string> known(asked_.begin(), asked_.end());
    refuse_at(key.source(), fmt::format("there is no '{}'{}", key.str(), suggestion(key.str(), known)));
  }
}

}  // namespace market::apps
