#include "adapters/files/folder_walk.hpp"

#include <fmt/format.h>

#include <stdexcept>

namespace market::files {

namespace fs = std::filesystem;

bool is_of_the_volume(const fs::directory_entry& entry) {
  std::error_code none;
  return entry.path().filename() == "lost+found" && entry.is_directory(none);
}

void walk(const fs::path& folder, fs::directory_options how,
          const std::function<bool(const fs::directory_entry&)>& visit) {
  constexpr int depth_max = 8;  // Ours are two deep.
  std::error_code error;
  fs::path last = folder;
  using Walk = fs::recursive_directory_iterator;
  Walk at(folder, how, error);
  while (!error && at != Walk()) {
    last = at->path();
    if (at.depth() > depth_max) throw std::runtime_error(last.string() + ": a link leads back");
    if (is_of_the_volume(*at) || !visit(*at)) at.disable_recursion_pending();
    at.increment(error);
  }
  if (error) throw std::runtime_error(fmt::format("{}: cannot be read: {}", last.string(), error.message()));
}

}  // namespace market::files
