#pragma once
/// Whether main.db is whole: who may do what, and what can be read of whom. Only looks.

#include <map>
#include <string>

#include "adapters/files/check_result.hpp"
#include "adapters/files/read_only_folder.hpp"
#include "domain/sale/event.hpp"
#include "ports/field_cipher.hpp"

namespace market::sqlite {

/// `store`: the log's id; `key_checks`: of the keys that are there.
files::CheckResults check_main(files::ReadOnlyFolder& folder, const FieldCipher& cipher, LogId store,
                               const std::map<std::string, std::string>& key_checks);

}  // namespace market::sqlite
