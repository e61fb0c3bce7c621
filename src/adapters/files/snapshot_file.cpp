#include "adapters/files/snapshot_file.hpp"

namespace market::files {
namespace {

constexpr std::string_view magic = "market snapshot 2\n";
constexpr std::size_t digest_bytes = 16;

}  // namespace

// The file: magic, the snapshot, its checksum. One cut short fails the checksum.
Result<std::optional<std::string>> read_snapshot_file(const std::filesystem::path& path) {
  auto file = read_whole_file(path);
  if (!file || !*file) return file;
  std::string& bytes = **file;
  if (!bytes.starts_with(magic))
    return fail(Code::internal, path.string() + ": is no snapshot of this version");
  if (bytes.size() < magic.size() + digest_bytes)
    return fail(Code::internal, path.string() + ": is damaged (cut off)");
  WideChecksum checksum;
  checksum.add(std::string_view(bytes).substr(magic.size(), bytes.size() - magic.size() - digest_bytes));
  const auto digest = checksum.digest();
  if (!bytes.ends_with(std::string_view(digest.data(), digest.size())))
    return fail(Code::internal, path.string() + ": is damaged (wrong checksum)");
  bytes.resize(bytes.size() - digest_bytes);
  bytes.erase(0, magic.size());
  return file;
}

Result<std::optional<std::string>> SnapshotFile::load() {
  auto bytes = read_snapshot_file(path_);
  if (!bytes && bytes.error().code == Code::internal) {
    warn_(bytes.error().detail + "; it is left out, and the whole log is read instead");
    return std::nullopt;
  }
  return bytes;
}

Result<> SnapshotFile::begin() {
  file_.emplace(path_);
  checksum_.emplace();
  if (auto begun = file_->begin(); !begun) return begun;
  return file_->append(magic);
}

Result<> SnapshotFile::append(std::string_view piece) {
  checksum_->add(piece);
  return file_->append(piece);
}

Result<> SnapshotFile::commit() {
  const auto digest = checksum_->digest();
  auto done = file_->append({digest.data(), digest.size()});
  if (done) done = file_->commit();
  file_.reset();
  return done;
}

}  // namespace market::files
