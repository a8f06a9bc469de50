//! A DNS server on its own UDP port.

use std::net::SocketAddr;

use tokio::net::UdpSocket;

const TXT: u16 = 16;
const MX: u16 = 15;
/// A response without an error.
const FOUND: u16 = 0x8180;
/// The name does not exist.
const NOT_FOUND: u16 = 0x8183;

/// Answers TXT and MX queries for these names and no others.
pub async fn serve_dns(records: Vec<(&'static str, Record)>) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut buffer = [0; 1500];
        while let Ok((length, client)) = socket.recv_from(&mut buffer).await {
            let _ = socket.send_to(&answer(&buffer[..length], &records), client).await;
        }
    });
    address
}

#[derive(Clone)]
pub enum Record {
    Txt(String),
    /// A mail server; empty for a null MX.
    Mx(&'static str),
}

impl Record {
    fn kind(&self) -> u16 {
        match self {
            Self::Txt(_) => TXT,
            Self::Mx(_) => MX,
        }
    }

    fn data(&self) -> Vec<u8> {
        match self {
            Self::Txt(text) => {
                text.as_bytes().chunks(255).flat_map(|part| [&[part.len() as u8], part].concat()).collect()
            }
            Self::Mx(host) => [&10_u16.to_be_bytes()[..], &encode_name(host)].concat(),
        }
    }
}

fn encode_name(name: &str) -> Vec<u8> {
    let labels = name.split('.').filter(|label| !label.is_empty());
    labels.flat_map(|label| [&[label.len() as u8], label.as_bytes()].concat()).chain([0]).collect()
}

fn answer(query: &[u8], records: &[(&str, Record)]) -> Vec<u8> {
    let end = 12 + query[12..].iter().position(|byte| *byte == 0).unwrap() + 1;
    let (name, kind) = (query[12..end].to_ascii_lowercase(), u16::from_be_bytes([query[end], query[end + 1]]));
    let of_name: Vec<_> = records.iter().filter(|(of, _)| encode_name(of) == name).collect();
    let found: Vec<_> = of_name.iter().filter(|(_, record)| record.kind() == kind).collect();
    let flags = if of_name.is_empty() { NOT_FOUND } else { FOUND };
    let mut bytes = query[..2].to_vec();
    for number in [flags, 1, found.len() as u16, 0, 0] {
        bytes.extend(number.to_be_bytes());
    }
    bytes.extend(&query[12..end + 4]);
    for (_, record) in found {
        let data = record.data();
        // The name of the question, class IN, one minute.
        bytes.extend([0xc0, 12]);
        bytes.extend(record.kind().to_be_bytes());
        bytes.extend([0, 1, 0, 0, 0, 60]);
        bytes.extend((data.len() as u16).to_be_bytes());
        bytes.extend(data);
    }
    bytes
}
