//! libgit2's transport that speaks through the HTTP client.
//!
//! It is registered under a scheme of its own, so that a program that embeds this library keeps whatever it has for `https://`.

use std::cell::RefCell;
use std::io::{Error, Read, Write};
use std::sync::{Arc, Mutex};

use git2::transport::{Service, SmartSubtransport, SmartSubtransportStream, Transport};

use super::super::address::HttpAddress;
use super::super::ssh_process::lock;
use super::super::{RemoteError, Timeouts};
use super::RunningHttp;
use super::exchange::{AnswerBody, Exchange};
use super::token::TokenOffer;

/// The address under which libgit2 finds this transport; where it leads stands in the plan of the thread.
pub(in super::super) const URL: &str = "nixfleet+http://remote";

/// Its scheme.
pub(in super::super) const SCHEME: &str = "nixfleet+http";

thread_local! {
    /// What this thread is connecting to: libgit2 makes transports without telling for whom.
    static PLAN: RefCell<Option<HttpPlan>> = const { RefCell::new(None) };
}

/// How to connect, and where what fails is noted.
#[derive(Clone)]
pub(in super::super) struct HttpPlan {
    pub(in super::super) shown: String,
    pub(in super::super) address: HttpAddress,
    pub(in super::super) username_and_token: Option<(String, String)>,
    pub(in super::super) timeouts: Timeouts,
    pub(in super::super) running: RunningHttp,
    pub(in super::super) failure: Arc<Mutex<Option<RemoteError>>>,
}

impl HttpPlan {
    /// Makes connections of this thread to [`URL`] follow this plan.
    pub(in super::super) fn enter(self) {
        PLAN.with_borrow_mut(|plan| *plan = Some(self));
    }

    fn exchange(self) -> Exchange {
        *lock(&self.failure) = None;
        Exchange {
            shown: self.shown,
            repository: Mutex::new(self.address.url.clone()),
            token: TokenOffer::new(self.address, self.username_and_token),
            timeouts: self.timeouts,
            running: self.running,
            failure: self.failure,
        }
    }
}

/// The transport of a remote with the scheme [`SCHEME`], by the plan of this thread.
pub(in super::super) fn transport(remote: &git2::Remote<'_>) -> Result<Transport, git2::Error> {
    let plan = PLAN.with_borrow(Clone::clone);
    let plan = plan.ok_or_else(|| git2::Error::from_str("this scheme is for nixfleet itself: use https://"))?;
    Transport::smart(remote, true, HttpSubtransport { exchange: Arc::new(plan.exchange()) })
}

struct HttpSubtransport {
    exchange: Arc<Exchange>,
}

impl SmartSubtransport for HttpSubtransport {
    fn action(&self, _url: &str, service: Service) -> Result<Box<dyn SmartSubtransportStream>, git2::Error> {
        let question = match service {
            Service::UploadPackLs => None,
            Service::UploadPack => Some(Vec::new()),
            Service::ReceivePackLs | Service::ReceivePack => {
                return Err(git2::Error::from_str("this transport only reads"));
            }
        };
        Ok(Box::new(HttpStream { exchange: Arc::clone(&self.exchange), question, answer: None }))
    }

    fn close(&self) -> Result<(), git2::Error> {
        Ok(())
    }
}

/// One question and its answer: all that is written is sent when the first byte is read.
struct HttpStream {
    exchange: Arc<Exchange>,
    question: Option<Vec<u8>>,
    answer: Option<AnswerBody>,
}

impl HttpStream {
    fn answer(&mut self) -> Result<&mut AnswerBody, RemoteError> {
        let answer = match (self.answer.take(), &self.question) {
            (Some(answer), _) => answer,
            (None, None) => self.exchange.references()?,
            (None, Some(question)) => self.exchange.upload_pack(question)?,
        };
        Ok(self.answer.insert(answer))
    }

    /// libgit2 takes a text only, and one without a NUL.
    fn failed(&self, failure: RemoteError) -> Error {
        *lock(&self.exchange.failure) = Some(failure);
        Error::other("the connection over http failed")
    }
}

impl Read for HttpStream {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let exchange = Arc::clone(&self.exchange);
        let read = self.answer().and_then(|answer| exchange.read(answer, buffer));
        read.map_err(|failure| self.failed(failure))
    }
}

impl Write for HttpStream {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match &mut self.question {
            Some(question) if self.answer.is_none() => {
                question.extend_from_slice(bytes);
                Ok(bytes.len())
            }
            _ => Err(Error::other("nothing more is to be asked here")),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
