#pragma once
/// What a start refuses of the files of an embedded store, for whoever copies or changes it.

#include <filesystem>
#include <map>
#include <string>

#include "domain/sale/event.hpp"

namespace market::sqlite {

struct WholeStore {
  LogId id;                                       ///< None: nothing has been written yet.
  std::map<std::string, std::string> key_checks;  ///< That main.db knows; of before there were any: none.
};
/// Throws std::runtime_error with one line where a restore or a copy to the folder was broken off, and where
/// a file is missing or is of another store. records.db, which can be made anew, is not looked at. A server
/// may have the store; nothing is changed, nor left behind.
WholeStore expect_whole_store(const std::filesystem::path& data);
/// The same of records.db: its orders would be shown to others.
void expect_records_of(const std::filesystem::path& data, const LogId& store);

}  // namespace market::sqlite
