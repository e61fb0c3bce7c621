#pragma once
/// The files of one embedded store, opened by this process alone: log.db, records.db, main.db, the gate's
/// snapshot and the keys. Shared by `serve` and the commands that work on a stopped store.

#include <map>
#include <memory>
#include <string>

#include "adapters/crypto/field_cipher.hpp"
#include "adapters/files/data_folder.hpp"
#include "adapters/files/picture_sizes.hpp"
#include "adapters/files/picture_store.hpp"
#include "adapters/files/signing_keys.hpp"
#include "adapters/files/snapshot_file.hpp"
#include "adapters/mysql/pictures.hpp"
#include "adapters/sql/account_care.hpp"
#include "adapters/sql/account_directory.hpp"
#include "adapters/sql/accounts.hpp"
#include "adapters/sql/audit_log.hpp"
#include "adapters/sql/carts.hpp"
#include "adapters/sql/follower_places.hpp"
#include "adapters/sql/outbox.hpp"
#include "adapters/sql/refusal_history.hpp"
#include "adapters/sql/webhooks.hpp"
#include "adapters/sqlite/log.hpp"
#include "adapters/sqlite/open_main.hpp"
#include "adapters/sqlite/order_records.hpp"
#include "adapters/sqlite/order_search.hpp"
#include "adapters/sqlite/record_fold.hpp"
#include "base/task_fair_pool.hpp"
#include "wire/auth/access_token.hpp"
#include "wire/auth/secret_text.hpp"

namespace market::apps {

struct Store {
  /// `clock`: of the times in rows. `wait`: how long a predecessor may take to let go of the folder.
  /// `accounts_at`: the ordinary rows are there, shared with other instances, and not in main.db. `keys`:
  /// their folder; empty: keys/ in `data`. Throws std::runtime_error.
  Store(const std::string& data, const Clock& clock, Millis wait = Millis{0},
        std::optional<mysql::Server> accounts_at = std::nullopt, const std::string& keys = {});
  ~Store();
  /// Reads the token keys again; the id of the one that signs now. Throws, and the keys before stay then.
  std::string reload_keys();
  /// Has main.db know its store and its keys, so that a later start can tell foreign ones. Throws
  /// std::runtime_error where another instance has said meanwhile that one of the keys is another.
  void remember_keys();
  /// The test provider's own book. Throws std::runtime_error when the store has had one and it is gone: what
  /// was paid would never be found again.
  std::string payments_file() const;
  /// What refresh tokens are derived with; kept with the other keys, so that it outlives a restart. Throws.
  wire::SecretKey refresh_key() const;
  /// Shared accounts are of the market whose log this is; none: nobody has written it yet. Throws
  /// std::runtime_error with one line.
  void expect_accounts_of(const LogId& log) const;
  /// Nothing is answered afterwards.
  void stop_pools();

  static constexpr unsigned sql_threads = 2;
  static constexpr unsigned own_orders_threads = 2;
  static constexpr int sql_waiting_max = 4'096;
  static constexpr std::size_t searches_waiting_max = 256;

  files::DataFolder folder;
  const std::map<std::string, std::string> keys_found;  ///< Check values, before any key is made.
  crypto::SodiumFieldCipher cipher;  ///< Before `tokens`: a start without these keys makes none.
  wire::AccessTokens tokens;
  /// Nobody who waits for one of these waits for another: what strangers may ask, buyers' pages, signing in.
  BlockingPool accounts_pool{sql_threads, sql_waiting_max};
  BlockingPool pages_pool{sql_threads, sql_waiting_max};  ///< Orders, carts, wish lists, operators' lists.
  /// What looks through one buyer's orders; buyers take turns.
  FairPool orders_pool{own_orders_threads, sql_waiting_max};
  FairPool search_pool{1, searches_waiting_max};  ///< In memory, but through the whole catalogue.
  FairPool lists_pool{1, searches_waiting_max};   ///< Sorted lists and categories, which read no texts.
  BlockingPool files_pool{1, sql_waiting_max};    ///< Pictures.
  sqlite::SqliteLog log;
  sqlite::SqliteRecordFold fold;
  sqlite::SqliteOrderRecords records;
  sqlite::SqliteOrderSearch order_search;
  files::SnapshotFile snapshots;
  const std::optional<mysql::Server> accounts_at;
  std::shared_ptr<sql::MainDatabase> main;
  std::shared_ptr<sql::MainDatabase> main_pages;  ///< The same rows, read and written on pages_pool.
  /// Of this store in every file of it: the id of its log, which a new log is given.
  LogId id;
  sql::SqlAccounts accounts;
  sql::SqlAccountCare care;
  sql::SqlAccountDirectory directory;
  sql::SqlAuditLog audit;
  sql::SqlOutbox outbox;
  sql::SqlFollowerPlaces places;
  sql::SqlWebhooks webhooks;
  sql::SqlRefusalHistory refusal_history;
  sql::SqlCarts carts;
  sql::SqlWishLists wish_lists;
  files::PictureStore own_pictures;
  files::PictureSizeStore picture_sizes;  ///< Of this instance: each makes its own from the picture.
  const std::unique_ptr<mysql::MysqlPictures> shared_pictures;  ///< Null: there are our own alone.
  Pictures& pictures;

 private:
  std::shared_ptr<sql::MainDatabase> open_main(BlockingPool& pool);
  LogId expect_one_store();
  void expect_keys(const std::map<std::string, std::string>& found) const;
};

/// Throws std::runtime_error when a key is of another store than these check values. A key file of another
/// store lets its tokens in here. New names are those of new keys.
void expect_same_keys(const std::map<std::string, std::string>& found,
                      const std::map<std::string, std::string>& known, const std::filesystem::path& keys);

/// Whether a start with this folder would be refused; for a successor, while the server still runs. Only
/// looks. Throws std::runtime_error with one line.
void verify_store(const std::string& data, const std::filesystem::path& keys);
/// Removes records.db and the snapshot: both are made anew from the log.
void remove_records(const std::string& data);

}  // namespace market::apps
