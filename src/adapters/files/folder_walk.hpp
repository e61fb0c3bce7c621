#pragma once
/// What lies below a folder, also where that folder is the root of a volume of its own.

#include <filesystem>
#include <functional>

namespace market::files {

/// In the root of a volume, made with it and read by root alone: it is no part of a store, and stays.
bool is_of_the_volume(const std::filesystem::directory_entry& entry);

/// Calls `visit` with each file and folder below `folder`, a folder before what is in it, which is passed
/// over where `visit` answers false. Throws std::runtime_error that names what cannot be read.
void walk(const std::filesystem::path& folder, std::filesystem::directory_options how,
          const std::function<bool(const std::filesystem::directory_entry&)>& visit);

}  // namespace market::files
