#include "adapters/sqlite/backup.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "adapters/files/data_folder.hpp"
#include "adapters/files/files.hpp"
#include "adapters/files/folder_lock.hpp"
#include "adapters/files/folder_walk.hpp"
#include "adapters/sqlite/backup_manifest.hpp"
#include "adapters/sqlite/log.hpp"
#include "adapters/sqlite/whole_store.hpp"
#include "base/must.hpp"

namespace market::sqlite {
namespace {

namespace fs = std::filesystem;
constexpr std::string_view manifest_name = files::backup_manifest;
using Manifest = BackupManifest;
using Entry = BackupManifest::Entry;

void make_private_folder(const fs::path& path) {
  if (const auto parent = path.parent_path(); !parent.empty() && !fs::exists(parent))
    make_private_folder(parent);
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
    throw std::runtime_error(files::file_error("the folder cannot be created", path).detail);
}

/// Through SQLite: a plain copy of a file in use, without its WAL, is no database.
void copy_database(const fs::path& from, const fs::path& to) {
  auto source = Database::open(from.string(), Database::Mode::existing);
  auto target = Database::open(to.string(), Database::Mode::create);
  auto* copy = sqlite3_backup_init(target.handle(), "main", source.handle(), "main");
  if (copy == nullptr) target.raise("the copy cannot be started");
  int code = SQLITE_OK;
  // One step for all pages: in smaller ones every commit of the running store would start the copy over.
  for (int attempt = 0; attempt < 50; ++attempt) {
    code = sqlite3_backup_step(copy, -1);
    if (code != SQLITE_BUSY && code != SQLITE_LOCKED) break;
    sqlite3_sleep(100);
  }
  sqlite3_backup_finish(copy);
  if (code != SQLITE_DONE)
    throw std::runtime_error(
        fmt::format("{}: cannot be copied to {}: {}", from.string(), to.string(), sqlite3_errstr(code)));
  source.close();
  target.close();
  ::chmod(to.c_str(), 0600);
}

void copy_plain_file(const fs::path& from, const fs::path& to) {
  const files::FileDescriptor source(::open(from.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!source) throw std::runtime_error(files::file_error("cannot be opened", from).detail);
  const files::FileDescriptor target(::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!target) throw std::runtime_error(files::file_error("cannot be created", to).detail);
  std::vector<char> buffer(1 << 20);
  for (;;) {
    const auto got = ::read(source.get(), buffer.data(), buffer.size());
    if (got < 0) throw std::runtime_error(files::file_error("cannot be read", from).detail);
    if (got == 0) break;
    for (ssize_t done = 0; done < got;) {
      const auto put = ::write(target.get(), buffer.data() + done, static_cast<std::size_t>(got - done));
      if (put < 0) throw std::runtime_error(files::file_error("cannot be written", to).detail);
      done += put;
    }
  }
  if (::fsync(target.get()) != 0) throw std::runtime_error(files::file_error("cannot be synced", to).detail);
}

bool is_left_out(const std::string& name) {
  const auto ends = [&](std::string_view end) { return std::string_view(name).ends_with(end); };
  return name == "lock" || name == manifest_name || name == files::copy_mark || name == files::restore_mark ||
         ends("-wal") || ends("-shm") || ends("-journal") || ends(".tmp") ||
         name.starts_with("picture-sizes/");
}

/// Copied in this order (backup.hpp says why), before all others.
constexpr std::string_view records_name = "records.db";
constexpr std::array<std::string_view, 5> ordered_names{files::snapshot_name, records_name, "log.db",
                                                        "main.db", "payments.db"};

/// All other files of a folder, also of folders that are links to other disks; but `keys` as a link is kept
/// apart on purpose. `copied`: throws std::runtime_error for a link to something else, which the copy would
/// be without.
std::vector<std::string> other_names(const fs::path& folder, bool copied = false) {
  std::vector<std::string> names;
  files::walk(folder, fs::directory_options::follow_directory_symlink, [&](const fs::directory_entry& entry) {
    auto name = entry.path().lexically_relative(folder).generic_string();
    if (entry.is_symlink() && name == "keys") return false;
    if (copied && entry.is_symlink() && !entry.is_directory())
      throw std::runtime_error(entry.path().string() + ": is a link to no folder");
    if (entry.is_symlink() || !entry.is_regular_file()) return true;
    const bool ordered = std::find(ordered_names.begin(), ordered_names.end(), name) != ordered_names.end();
    if (!ordered && !is_left_out(name)) names.push_back(std::move(name));
    return true;
  });
  return names;
}

std::vector<std::string> copy_all(const fs::path& data, const fs::path& to) {
  std::vector<std::string> copied;
  const auto copy = [&](std::string_view name) {
    if (!fs::exists(data / name)) return;  // Not every store has it, or it was just deleted.
    const auto target = to / name;
    if (const auto parent = target.parent_path(); parent != to) make_private_folder(parent);
    if (name.ends_with(".db"))
      copy_database(data / name, target);
    else
      copy_plain_file(data / name, target);
    copied.emplace_back(name);
  };
  for (const auto name : ordered_names) copy(name);
  // Listed only now, so that every picture that an event of the copied log names is among them.
  for (const auto& name : other_names(data, true)) copy(name);
  return copied;
}

void sync_all_folders(const fs::path& root) {
  files::walk(root, fs::directory_options::none, [](const fs::directory_entry& entry) {
    if (entry.is_directory() && !entry.is_symlink()) must(files::sync_folder(entry.path()));
    return true;
  });
  must(files::sync_folder(root));
  must(files::sync_folder(root.parent_path()));
}

/// What stands in files::copy_mark of a backup of a data folder: such a folder is begun anew, and one of a
/// market on shared engines goes on.
constexpr std::string_view begun_here = "a backup of a data folder is made, or was broken off\n";

/// What is wrong with a file of a backup; empty: nothing. What a link leads to is not in the backup.
std::string_view trouble_of(const fs::path& folder, const Entry& entry) {
  std::error_code error;
  if (fs::is_symlink(folder / entry.name, error)) return "a link";
  const auto bytes = fs::file_size(folder / entry.name, error);
  if (error) return "missing";
  const bool same = bytes == entry.bytes && must(files::sha256_of_file(folder / entry.name)) == entry.sha256;
  return same ? "" : "damaged";
}

void verify(const fs::path& folder, const Manifest& manifest) {
  for (const auto& entry : manifest.entries)
    if (const auto trouble = trouble_of(folder, entry); !trouble.empty())
      throw std::runtime_error(
          fmt::format("{}: is {}; this backup cannot be used", (folder / entry.name).string(), trouble));
}

BackupReport report_of(const Manifest& manifest) {
  BackupReport report{manifest.log_records, manifest.entries.size(), 0};
  for (const auto& entry : manifest.entries) report.bytes += entry.bytes;
  return report;
}

Offset records_of(const fs::path& log) {
  auto db = Database::open(log.string(), Database::Mode::existing);
  expect_newest_schema(db.handle(), log.string(), log_schema);
  return db.must_query("SELECT ifnull(max(offset), 0) FROM records");
}

BackupReport seal(const fs::path& folder, const std::vector<std::string>& names) {
  Manifest manifest;
  manifest.log_records = records_of(folder / "log.db");
  for (const auto& name : names)
    manifest.entries.push_back(
        {name, fs::file_size(folder / name), must(files::sha256_of_file(folder / name))});
  sync_all_folders(folder);
  write_manifest(folder, manifest);
  return report_of(manifest);
}

/// A folder in the making, marked as such: what was made goes again unless all of it is there.
class UnfinishedFolder {
 public:
  /// One that is there already is taken if nothing is in it, or if a backup like this one was killed in it.
  explicit UnfinishedFolder(const fs::path& folder) : folder_(folder), made_(!fs::exists(folder)) {
    make_private_folder(folder);
    lock_.emplace(folder, "backup folder");
    begin_copy(folder, begun_here);  // What throws up to here destroys nothing.
    remove_what_was_made();
  }
  UnfinishedFolder(const UnfinishedFolder&) = delete;
  UnfinishedFolder& operator=(const UnfinishedFolder&) = delete;
  ~UnfinishedFolder() {
    if (finished_) return;
    std::error_code none;
    remove_what_was_made();
    fs::remove(folder_ / files::copy_mark, none);
    if (made_) fs::remove_all(folder_, none);
  }
  void finish() {
    fs::remove(folder_ / files::copy_mark);
    must(files::sync_folder(folder_));
    finished_ = true;
  }

 private:
  /// The mark stays until last.
  void remove_what_was_made() {
    std::error_code none;
    std::vector<fs::path> inside;
    for (const auto& entry : fs::directory_iterator(folder_, none))
      if (!files::is_of_the_volume(entry)) inside.push_back(entry.path());
    for (const auto& path : inside)
      if (path.filename() != "lock" && path.filename() != files::copy_mark) fs::remove_all(path, none);
  }

  const fs::path folder_;
  const bool made_;
  std::optional<files::FolderLock> lock_;
  bool finished_ = false;
};

void expect_outside(const fs::path& place, const fs::path& folder, std::string_view what) {
  // A name of what is not there yet would stay relative.
  const auto inside = fs::weakly_canonical(fs::absolute(folder)).generic_string() + "/";
  if ((fs::weakly_canonical(fs::absolute(place)).generic_string() + "/").starts_with(inside))
    throw std::runtime_error(fmt::format("{}: lies inside {}; name a place outside", place.string(), what));
}

}  // namespace

void require_empty(const fs::path& folder, std::string_view what) {
  // A mark that was being written is no mark yet, and nothing was done before it.
  static const std::set<std::string> none_of_anybody{"lock", std::string(files::copy_mark) + ".tmp",
                                                     std::string(files::restore_mark) + ".tmp"};
  for (const auto& entry : fs::directory_iterator(folder))
    if (!files::is_of_the_volume(entry) &&
        (!entry.is_regular_file() || !none_of_anybody.contains(entry.path().filename().string())))
      throw std::runtime_error(fmt::format("{} {} is not empty; name a new one", what, folder.string()));
}

void begin_copy(const fs::path& folder, std::string_view kind) {
  if (must(files::read_whole_file(folder / files::copy_mark)) != kind) require_empty(folder, "backup folder");
  must(files::write_file_durably(folder / files::copy_mark, kind));
}

files::CheckResults check_backup(const files::ReadOnlyFolder& folder) try {
  const auto manifest = read_manifest(folder.path());
  files::Differences wrong;
  std::set<std::string> known;
  for (const auto& entry : manifest.entries) {
    known.insert(entry.name);
    if (const auto trouble = trouble_of(folder.path(), entry); !trouble.empty())
      wrong.note(fmt::format("{} is {}", entry.name, trouble));
  }
  for (const auto& name : other_names(folder.path()))
    if (!known.contains(name)) wrong.note(fmt::format("{} is foreign", name));
  return {{fmt::format("the {} files of the backup are those of its manifest", manifest.entries.size()),
           wrong.text()}};
} catch (const std::exception& error) {
  return {{"the backup's manifest can be read", error.what()}};
}

BackupReport backup_store(const fs::path& data, const fs::path& to) {
  if (!files::has_bytes(data / "log.db")) {
    throw std::runtime_error(fmt::format("{}: is no data folder (no log.db)", data.string()));
  }
  expect_records_of(data, expect_whole_store(data).id);
  expect_outside(to, data, "the data folder");
  expect_outside(data, to, "the backup folder");  // What a broken-off backup left there goes.
  UnfinishedFolder unfinished(to);
  const auto report = seal(to, copy_all(data, to));
  unfinished.finish();
  return report;
}

BackupReport seal_backup(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto name : ordered_names)
    if (fs::exists(folder / name)) names.emplace_back(name);
  for (auto& name : other_names(folder)) names.push_back(std::move(name));
  return seal(folder, names);
}

std::string verify_backup(const fs::path& folder, BackupReport& report) {
  const auto manifest = read_manifest(folder);
  verify(folder, manifest);
  report = report_of(manifest);
  return must(files::sha256_of_file(folder / manifest_name));
}

BackupReport restore_store(const fs::path& from, const fs::path& data,
                           const std::function<void()>& last_step) {
  const auto manifest = read_manifest(from);
  verify(from, manifest);
  expect_outside(data, from, "the backup");
  const auto folder = files::DataFolder::open_to_restore(data);
  const auto ours = fmt::format("a restore of the backup {} runs or was cut short\n",
                                must(files::sha256_of_file(from / manifest_name)));
  const auto begun = must(files::read_whole_file(data / files::restore_mark));
  const auto is_there = [&](const Entry& entry) { return trouble_of(data, entry).empty(); };
  if (!begun) {
    // One that was broken off behind its end: all is there, and nothing has changed since.
    if (std::all_of(manifest.entries.begin(), manifest.entries.end(), [&](const Entry& entry) {
          return entry.name == records_name ? fs::exists(data / entry.name) : is_there(entry);
        }))
      return report_of(manifest);
    require_empty(data, "data folder");
    must(files::write_file_durably(data / files::restore_mark, ours));
  } else if (*begun != ours) {
    throw std::runtime_error(
        fmt::format("data folder {} holds an unfinished restore of another backup; empty it", data.string()));
  }
  for (const auto& entry : manifest.entries) {
    const auto target = data / entry.name;
    if (begun && is_there(entry)) continue;
    if (const auto parent = target.parent_path(); parent != data) make_private_folder(parent);
    fs::remove(target);
    copy_plain_file(from / entry.name, target);
  }
  verify(data, manifest);
  if (last_step) last_step();
  // Folders come before what is in them.
  files::walk(data, fs::directory_options::none, [](const fs::directory_entry& entry) {
    must(files::give_to_folder_owner(entry));
    return true;
  });
  sync_all_folders(data);
  fs::remove(data / files::restore_mark);
  must(files::sync_folder(data));
  return report_of(manifest);
}

}  // namespace market::sqlite
