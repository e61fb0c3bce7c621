#include "adapters/files/snapshot_file.hpp"

#include <array>

#include "adapters/files/files.hpp"
#include "base/checksum.hpp"

namespace market::files {
namespace {

constexpr std::string_view magic = "market snapshot 2\n";
constexpr std::size_t digest_bytes = 16, head_bytes = magic.size() + digest_bytes;

}  // namespace

// The file: magic, checksum of the rest, the rest. A file cut short fails the checksum. A snapshot is large:
// its bytes are not copied on the way.
Result<> write_snapshot_file(const std::filesystem::path& path, std::string_view bytes) {
  const auto digest = wide_checksum(bytes);
  const std::array<std::string_view, 3> pieces{magic, {digest.data(), digest.size()}, bytes};
  return write_file_durably(path, pieces);
}

Result<std::optional<std::string>> read_snapshot_file(const std::filesystem::path& path) {
  auto file = read_whole_file(path);
  if (!file || !*file) return file;
  std::string& bytes = **file;
  if (!bytes.starts_with(magic)) {
    return fail(Code::internal, path.string() + ": is no snapshot of this version");
  }
  if (bytes.size() < head_bytes) return fail(Code::internal, path.string() + ": is damaged (cut off)");
  const auto digest = wide_checksum(std::string_view(bytes).substr(head_bytes));
  if (std::string_view(bytes).substr(magic.size(), digest_bytes) !=
      std::string_view(digest.data(), digest.size())) {
    return fail(Code::internal, path.string() + ": is damaged (wrong checksum)");
  }
  bytes.erase(0, head_bytes);
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

}  // namespace market::files
