//! Questions to one repository, and their answers.

use std::io::Read;
use std::sync::{Arc, Mutex};

use ureq::http::{Request, Response, StatusCode, header};
use ureq::{AsSendBody, Body, BodyReader, Proxy};
use url::Url;

use super::super::ssh_process::lock;
use super::super::{RemoteError, Timeouts};
use super::failure::explain;
use super::proxy::proxy_for;
use super::redirect::{REDIRECTS_MAXIMUM, followed};
use super::token::TokenOffer;
use super::{RunningHttp, answer, service_url};

/// The questions of one connection. What fails is noted, as libgit2 passes on no more than a text.
pub(super) struct Exchange {
    /// The address, without secrets.
    pub(super) shown: String,
    /// Where the repository is, after redirections.
    pub(super) repository: Mutex<Url>,
    pub(super) token: TokenOffer,
    pub(super) timeouts: Timeouts,
    pub(super) running: RunningHttp,
    pub(super) failure: Arc<Mutex<Option<RemoteError>>>,
}

/// The body of an answer, as it comes.
pub(super) struct AnswerBody {
    body: BodyReader<'static>,
    proxy: Option<String>,
}

impl Exchange {
    /// Asks for the references.
    pub(super) fn references(&self) -> Result<AnswerBody, RemoteError> {
        for _ in 0..=REDIRECTS_MAXIMUM {
            let url = service_url::references(&lock(&self.repository));
            let (response, proxy) = self.ask(&url, || Request::get(url.as_str()).body(()))?;
            if !response.status().is_redirection() {
                return self.body(response, proxy, "application/x-git-upload-pack-advertisement");
            }
            let location = response.headers().get(header::LOCATION).and_then(|location| location.to_str().ok());
            *lock(&self.repository) = followed(&url, location).map_err(|detail| self.unusable(detail))?;
        }
        Err(self.unusable("the server redirects again and again: check the address".to_owned()))
    }

    /// Asks for a pack, or what goes before it.
    pub(super) fn upload_pack(&self, question: &[u8]) -> Result<AnswerBody, RemoteError> {
        let url = service_url::upload_pack(&lock(&self.repository));
        let (response, proxy) = self.ask(&url, || {
            Request::post(url.as_str())
                .header(header::CONTENT_TYPE, "application/x-git-upload-pack-request")
                .header(header::ACCEPT, "application/x-git-upload-pack-result")
                .body(question)
        })?;
        if response.status().is_redirection() {
            return Err(self.unusable("the server redirects in the middle of a fetch: check the address".to_owned()));
        }
        self.body(response, proxy, "application/x-git-upload-pack-result")
    }

    /// The answer, with the token where the server asks for it.
    fn ask<B: AsSendBody>(
        &self,
        url: &Url,
        request: impl Fn() -> ureq::http::Result<Request<B>>,
    ) -> Result<(Response<Body>, Option<String>), RemoteError> {
        let agent = self.running.client(url.scheme() == "https", self.timeouts, &self.shown)?;
        let variable = |name: &str| std::env::var(name).ok();
        let proxy: Option<Proxy> = proxy_for(url, variable).map_err(|detail| self.unreachable(detail))?;
        let shown_proxy = proxy.as_ref().map(|proxy| format!("{}:{}", proxy.host(), proxy.port()));
        let mut authorization = self.token.of_later_questions(url);
        loop {
            let mut request = request().map_err(|error| explain(&self.shown, &error.into(), None))?;
            let was_authorized = authorization.is_some();
            if let Some(authorization) = authorization.take() {
                request.headers_mut().insert(header::AUTHORIZATION, authorization);
            }
            if let Some(proxy) = &proxy {
                request = agent.configure_request(request).proxy(Some(proxy.clone())).build();
            }
            let response = agent.run(request).map_err(|error| explain(&self.shown, &error, shown_proxy.as_deref()))?;
            if response.status() != StatusCode::UNAUTHORIZED {
                return Ok((response, shown_proxy));
            }
            let offered = self.token.answer(url, answer::takes_a_password(response.headers()));
            match offered {
                Ok(offered) if !was_authorized => authorization = Some(offered),
                Ok(_) => return Ok((response, shown_proxy)),
                Err(detail) => {
                    let detail = detail.to_owned();
                    return Err(RemoteError::Authentication { url: self.shown.clone(), detail });
                }
            }
        }
    }

    fn body(
        &self,
        response: Response<Body>,
        proxy: Option<String>,
        expected_type: &str,
    ) -> Result<AnswerBody, RemoteError> {
        answer::check(response.status(), response.headers(), expected_type, &self.shown)?;
        Ok(AnswerBody { body: response.into_body().into_reader(), proxy })
    }

    /// The next bytes of an answer; none at its end.
    pub(super) fn read(&self, answer: &mut AnswerBody, buffer: &mut [u8]) -> Result<usize, RemoteError> {
        let read = answer.body.read(buffer);
        read.map_err(|error| explain(&self.shown, &error.into(), answer.proxy.as_deref()))
    }

    fn unusable(&self, detail: String) -> RemoteError {
        RemoteError::Address { url: self.shown.clone(), detail }
    }

    fn unreachable(&self, detail: String) -> RemoteError {
        RemoteError::Network { url: self.shown.clone(), detail }
    }
}
