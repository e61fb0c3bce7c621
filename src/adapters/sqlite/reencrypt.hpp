#pragma once
/// Brings everything that is encrypted in main.db to the newest key.

#include <cstdint>
#include <string>

#include "ports/field_cipher.hpp"

namespace market::sqlite {

class MainDatabase;

/// Of a stopped store, in one step: all values or none. `newest`: the id of the key that encrypt() uses. How
/// many values were encrypted anew. Throws std::runtime_error with one line.
std::int64_t reencrypt(MainDatabase& database, const FieldCipher& cipher, const std::string& newest);

}  // namespace market::sqlite
