#pragma once
/// Databases that are only looked at (adapters/files/read_only_folder.hpp).

#include <filesystem>
#include <string>

#include "adapters/files/check_result.hpp"
#include "adapters/files/read_only_folder.hpp"

namespace market::sqlite {

/// The name under which a database of this folder can be opened without writing there. Throws.
std::string look_at(files::ReadOnlyFolder& folder, std::string_view name);

/// Every page, every index, every reference from one table to another; empty, or what is wrong. `uri` is an
/// answer of look_at().
std::string damage_of(const std::string& uri, std::string_view name);

}  // namespace market::sqlite
