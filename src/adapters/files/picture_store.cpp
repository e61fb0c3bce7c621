#include "adapters/files/picture_store.hpp"

#include <algorithm>
#include <stdexcept>

#include "adapters/files/files.hpp"

namespace market::files {

bool is_picture_hash(std::string_view text) {
  return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

namespace {

/// Its name is durable when it answers.
Result<> make_folder_durably(const std::filesystem::path& folder) {
  if (auto made = make_folder(folder); !made) return made;
  return sync_folder(folder.parent_path());
}

}  // namespace

PictureStore::PictureStore(std::filesystem::path folder, BlockingPool& pool)
    : folder_(std::move(folder)), pool_(pool) {
  if (const auto made = make_folder_durably(folder_); !made) throw std::runtime_error(made.error().detail);
}

std::filesystem::path PictureStore::path_of(std::string_view hash) const {
  return folder_ / hash.substr(0, 2) / hash;
}

Task<std::string> PictureStore::store(std::shared_ptr<const std::string> bytes) {
  return pool_.run([this, bytes = std::move(bytes)] { return store_now(*bytes); });
}

Task<std::string> PictureStore::load(std::string hash) {
  return pool_.run([this, hash = std::move(hash)] { return load_now(hash); });
}

Result<std::string> PictureStore::store_now(const std::string& bytes) {
  auto hash = sha256_of(bytes);
  const auto path = path_of(hash);
  const std::lock_guard one_writer(writing_);
  // One that is there and whole was synced before it got its name; a damaged one is written again.
  if (const auto there = read_whole_file(path); there && *there && **there == bytes) {
    if (const auto named = sync_folder(path.parent_path()); !named) return fail(named.error());
    return hash;
  }
  if (const auto made = make_folder_durably(path.parent_path()); !made) return fail(made.error());
  if (const auto written = write_file_durably(path, bytes); !written) return fail(written.error());
  return hash;
}

Result<std::string> PictureStore::load_now(const std::string& hash) const {
  if (!is_picture_hash(hash)) return fail(Code::not_found, "there is no such picture");
  auto bytes = read_whole_file(path_of(hash));
  if (!bytes) return fail(bytes.error());
  if (!*bytes) return fail(Code::not_found, "there is no such picture");
  if (sha256_of(**bytes) != hash)
    return fail(Code::unavailable, path_of(hash).string() + ": is damaged; restore it from a backup");
  return std::move(**bytes);
}

}  // namespace market::files
