#include "adapters/files/snapshot_file.hpp"

namespace market::files {
namespace {

constexpr std::string_view magic = "market snapshot 2\n";
constexpr std::size_t digest_bytes = 16;

}  // namespace

// The file: magic, the snapshot, its checksum. One cut short fails the checksum.
Result<std::optional<SnapshotBytes>> read_snapshot_file(const std::filesystem::path& path) {
  auto file = MappedFile::open(path);
  if (!file) return fail(file.error());
  if (!*file) return std::nullopt;
  const auto mapped = std::make_shared<const MappedFile>(std::move(**file));
  std::string_view bytes = mapped->bytes();
  if (!bytes.starts_with(magic))
    return fail(Code::internal, path.string() + ": is no snapshot of this version");
  if (bytes.size() < magic.size() + digest_bytes)
    return fail(Code::internal, path.string() + ": is damaged (cut off)");
  const std::string_view ending = bytes.substr(bytes.size() - digest_bytes);
  bytes = bytes.substr(magic.size(), bytes.size() - magic.size() - digest_bytes);
  WideChecksum checksum;
  checksum.add(bytes);
  const auto digest = checksum.digest();
  if (ending != std::string_view(digest.data(), digest.size()))
    return fail(Code::internal, path.string() + ": is damaged (wrong checksum)");
  return SnapshotBytes(mapped, bytes);
}

Result<std::optional<SnapshotBytes>> SnapshotFile::load() {
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
