#include "adapters/sqlite/backup_manifest.hpp"

#include <fmt/format.h>

#include <charconv>
#include <stdexcept>
#include <string_view>

#include "adapters/files/data_folder.hpp"
#include "adapters/files/files.hpp"
#include "base/must.hpp"

namespace market::sqlite {
namespace {

namespace fs = std::filesystem;
constexpr std::string_view manifest_name = files::backup_manifest;
constexpr std::string_view manifest_head = "market backup 2";

template <class Number>
Number number_of(std::string_view text, const fs::path& where) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) {
    throw std::runtime_error(fmt::format("{}: the manifest is damaged", where.string()));
  }
  return value;
}

/// Splits off the part before it.
std::string_view take(std::string_view& rest, char mark) {
  const auto at = rest.find(mark);
  const auto part = rest.substr(0, at);
  rest.remove_prefix(at == std::string_view::npos ? rest.size() : at + 1);
  return part;
}

}  // namespace

void write_manifest(const fs::path& folder, const BackupManifest& manifest) {
  auto text =
      fmt::format("{}\nversion {}\nlog_records {}\n", manifest_head, MARKET_VERSION, manifest.log_records);
  for (const auto& entry : manifest.entries) {
    text += fmt::format("file {} {} {}\n", entry.sha256, entry.bytes, entry.name);
  }
  text += fmt::format("end {}\n", manifest.entries.size());
  must(files::write_file_durably(folder / manifest_name, text));
}

BackupManifest read_manifest(const fs::path& folder) {
  files::expect_finished_copy(folder);
  const auto text = must(files::read_whole_file(folder / manifest_name));
  if (!text)
    throw std::runtime_error(
        fmt::format("{}: is no backup, or an unfinished one (no manifest)", folder.string()));
  std::string_view rest = *text;
  if (take(rest, '\n') != manifest_head) {
    throw std::runtime_error(fmt::format("{}: the manifest is of another version", folder.string()));
  }
  BackupManifest manifest;
  bool ended = false;
  while (!rest.empty() && !ended) {
    auto line = take(rest, '\n');
    const auto word = take(line, ' ');
    if (word == "log_records") manifest.log_records = number_of<Offset>(line, folder);
    if (word == "file") {
      BackupManifest::Entry entry;
      entry.sha256 = take(line, ' ');
      entry.bytes = number_of<std::uint64_t>(take(line, ' '), folder);
      entry.name = line;
      const fs::path name(entry.name);
      if (name.empty() || name.is_absolute() || name.lexically_normal() != name || *name.begin() == "..") {
        throw std::runtime_error(fmt::format("{}: the manifest names a file outside", folder.string()));
      }
      if (entry.name == files::restore_mark)
        throw std::runtime_error(fmt::format(
            "{}: was made of a store whose restore was not finished; make another", folder.string()));
      manifest.entries.push_back(std::move(entry));
    }
    ended = word == "end" && number_of<std::size_t>(line, folder) == manifest.entries.size();
  }
  if (!ended || !rest.empty())
    throw std::runtime_error(fmt::format("{}: the manifest is damaged", folder.string()));
  return manifest;
}

}  // namespace market::sqlite
