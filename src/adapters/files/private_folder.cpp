#include "adapters/files/private_folder.hpp"

#include <stdlib.h>  // NOLINT: mkdtemp.

#include <stdexcept>

#include "adapters/files/files.hpp"

namespace market::files {

PrivateFolder::PrivateFolder(std::filesystem::path where) {
  if (where.empty()) where = std::filesystem::temp_directory_path();
  std::string name = (where / "market-look-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr)
    throw std::runtime_error(file_error("no private folder can be made here", where).detail);
  path_ = name;
}

PrivateFolder::~PrivateFolder() {
  std::error_code none;
  std::filesystem::remove_all(path_, none);
}

}  // namespace market::files
