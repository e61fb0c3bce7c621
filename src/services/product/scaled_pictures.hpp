#pragma once
/// Pictures in the size that is asked for: from the copies that are kept, else made from the picture, once
/// for all who ask at the same time.

#include <atomic>
#include <boost/unordered/unordered_flat_set.hpp>
#include <mutex>

#include "base/task_fair_pool.hpp"
#include "base/time.hpp"
#include "ports/picture_sizes.hpp"
#include "ports/pictures.hpp"
#include "services/product/open_pictures.hpp"

namespace market::product {

struct ShownPicture {
  OpenPictures::Picture bytes;
  bool lasting = true;  ///< False: larger than asked for, and soon it will not be.
};

class ScaledPictures {
 public:
  /// `decoding`: of one thread, since a picture may need a hundred megabytes while it is decoded.
  ScaledPictures(Pictures& pictures, PictureSizes& sizes, FairPool& decoding, const Clock& clock)
      : pictures_(pictures), sizes_(sizes), decoding_(decoding), clock_(clock) {}

  /// `width`: one of wire::scaled_widths; 0: as it was sent. A picture that is no wider is answered as it is;
  /// also one whose copy cannot be made now. Errors: those of Pictures::load().
  Task<ShownPicture> load(std::string hash, std::uint32_t width);

 private:
  struct Making;
  /// After a copy could not be kept, none is made for so long: each reader would make it again.
  static constexpr Millis rest_after_failure{30'000};
  static constexpr std::size_t hopeless_max = 1'024;

  Task<OpenPictures::Picture> whole(std::string hash);
  /// Null: there is none yet.
  Task<OpenPictures::Picture> kept(std::string hash, std::uint32_t width);
  Task<> make(std::string hash, OpenPictures::Picture picture);
  bool may_begin(const std::string& hash);
  /// `hopeless`: it cannot be decoded; nobody shall try again.
  void end(const std::string& hash, bool hopeless);
  bool rests(const std::string& hash);

  Pictures& pictures_;
  PictureSizes& sizes_;
  FairPool& decoding_;
  const Clock& clock_;
  OpenPictures open_;
  std::mutex mutex_;
  boost::unordered_flat_set<std::string> being_made_, hopeless_;
  std::atomic<Instant> rests_until_{};
};

}  // namespace market::product
