#pragma once
/// Who has a data folder: a server, beside which accounts may be seeded, or some command that makes the
/// store, or a new key for its rows, and beside which nobody may.

#include <filesystem>

namespace market::files {

/// Written into the lock that this process holds (DataFolder).
void say_it_is_served(const std::filesystem::path& folder);
/// Whether a server has it locked now. Throws std::runtime_error when that cannot be told, and when another
/// command has it: `data folder X is in use by process N`.
bool is_served(const std::filesystem::path& folder);

}  // namespace market::files
