#include "adapters/files/picture_sizes.hpp"

#include "adapters/files/files.hpp"
#include "adapters/files/picture_store.hpp"

namespace market::files {
namespace {

constexpr std::size_t sum_digits = 64;

tl::unexpected<Error> no_such_copy() {
  return fail(Code::not_found, "there is no such copy of the picture");
}

}  // namespace

std::filesystem::path PictureSizeStore::path_of(const std::string& hash, std::uint32_t width) const {
  return folder_ / hash.substr(0, 2) / (hash + '.' + std::to_string(width));
}

Task<std::string> PictureSizeStore::find(std::string hash, std::uint32_t width) {
  return pool_.run([this, hash = std::move(hash), width]() -> Result<std::string> {
    if (!is_picture_hash(hash)) return no_such_copy();
    auto file = read_whole_file(path_of(hash, width));
    if (!file || !*file || (*file)->size() <= sum_digits) return no_such_copy();
    const std::string sum = (*file)->substr(0, sum_digits);
    (*file)->erase(0, sum_digits);
    if (sha256_of(**file) != sum) return no_such_copy();
    return std::move(**file);
  });
}

Task<> PictureSizeStore::keep(std::string hash, std::uint32_t width, std::string bytes) {
  return pool_.run([this, hash = std::move(hash), width, bytes = std::move(bytes)] {
    return keep_now(hash, width, bytes);
  });
}

Result<> PictureSizeStore::keep_now(const std::string& hash, std::uint32_t width, const std::string& bytes) {
  if (!is_picture_hash(hash)) return no_such_copy();
  const auto path = path_of(hash, width);
  const std::lock_guard one_writer(writing_);
  if (const auto made = make_folder(folder_); !made) return made;
  if (const auto made = make_folder(path.parent_path()); !made) return made;
  return write_file_durably(path, sha256_of(bytes) + bytes);
}

}  // namespace market::files
